"""The bound of a gradient that a request chooses."""

from collections.abc import Mapping

from service.errors import ValidationError
from service.training.options import Option, checked
from service.training.passes import Clip

CLIPS = {
    name: Option(name=name, symbol="c", summary=summary, lower=0, is_lower_open=True)
    for name, summary in (
        ("value", "the bound of each entry"),
        ("norm", "the bound of the Euclidean norm of the whole gradient"),
    )
}


def chosen_clip(given: Mapping[str, object] | None, *, pointer: str = "/gradient_clip") -> Clip:
    """The bound of {"value"} or of {"norm"}; none of None.

    Raises:
        ValidationError: both are given, or neither, or another.
        DomainError: the bound is not above 0.
    """
    if given is None:
        return Clip()
    names = [name for name in given if name in CLIPS]
    if len(names) == 2 or not given:
        found = " and ".join(names) or "nothing"
        message = f"gradient_clip: found {found}, expected one of value, norm"
        raise ValidationError(message, pointer=pointer)
    options = [CLIPS[name] for name in names] or list(CLIPS.values())
    return Clip(**checked("gradient_clip", options, given, pointer=pointer))
