"""Single characters in messages: code points and names, what is unsafe to show, look-alikes."""

import unicodedata

from service.language.lexemes import NAME

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Mn", "Me"})
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_UNNAMED = {"Cc": "control character", "Cs": "surrogate", "Co": "private use"}
_CONTROLS = {
    0x00: "NULL",
    0x07: "BELL",
    0x08: "BACKSPACE",
    0x0B: "VERTICAL TAB",
    0x0C: "FORM FEED",
    0x1B: "ESCAPE",
    0x7F: "DELETE",
}
_CYRILLIC_AND_OTHERS = {
    "a": "\u0430\u0251",
    "c": "\u0441",
    "d": "\u0501",
    "e": "\u0435",
    "g": "\u0261",
    "h": "\u04bb\u0570",
    "i": "\u0456\u0131\u0269",
    "j": "\u0458\u0237",
    "l": "\u04cf",
    "n": "\u0578",
    "o": "\u043e\u0585",
    "p": "\u0440",
    "q": "\u051b",
    "s": "\u0455",
    "u": "\u057d",
    "v": "\u0475",
    "w": "\u051d",
    "x": "\u0445",
    "y": "\u0443\u04af",
    "A": "\u0410",
    "B": "\u0412",
    "C": "\u0421",
    "E": "\u0415",
    "G": "\u050c",
    "H": "\u041d",
    "I": "\u0406",
    "J": "\u0408",
    "K": "\u041a",
    "M": "\u041c",
    "O": "\u041e\u0555",
    "P": "\u0420",
    "Q": "\u051a",
    "S": "\u0405",
    "T": "\u0422",
    "W": "\u051c",
    "X": "\u0425",
    "Y": "\u0423\u04ae",
    "\u0394": "\u2206",
}
_LOOK_ALIKES = {
    alike: letter for letter, alikes in _CYRILLIC_AND_OTHERS.items() for alike in alikes
}


def is_unsafe(character: str) -> bool:
    """Whether it is a control, combining, right-to-left or unassigned character."""
    return (
        unicodedata.category(character) in _UNSAFE
        or unicodedata.bidirectional(character) in _RIGHT_TO_LEFT
    )


def code_point(character: str) -> str:
    """`U+0445`."""
    return f"U+{ord(character):04X}"


def character_name(character: str) -> str:
    """`CYRILLIC SMALL LETTER HA`; what kind it is where Unicode gives no name."""
    name = unicodedata.name(character, "") or _CONTROLS.get(ord(character), "")
    return name or _UNNAMED.get(unicodedata.category(character), "unassigned")


def letter_like(character: str) -> str | None:
    """The Latin or Greek letter that the character looks like, if any."""
    letter = _LOOK_ALIKES.get(character) or unicodedata.normalize("NFKC", character)
    is_letter = len(letter) == 1 and letter != "_" and letter != character
    return letter if is_letter and NAME.fullmatch(letter) else None
