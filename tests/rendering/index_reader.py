"""Evaluates index notation: 2/N Σ_k A_ki (Σ_j A_kj x_j - y_k), with one axis per letter."""

import re
from dataclasses import dataclass

import numpy as np
import scipy.special

from service.computation.compute import Computer
from service.settings import Limits

TOKEN = re.compile(
    r"\s*(Σ_(?:\{[^}]*\}|\w)|\d+\.?\d*(?:e[+-]?\d+)?|[^\W\d]\w*(?:\{[\w,]+\})?|.)", re.DOTALL
)
RELATIONS = {">": np.greater, "≥": np.greater_equal, "=": np.equal, "≠": np.not_equal}
REDUCTIONS = {
    "max": np.max,
    "min": np.min,
    "prod": np.prod,
    "norm2": lambda x, axis: np.sqrt(np.sum(x * x, axis=axis)),
    "logsumexp": lambda x, axis: scipy.special.logsumexp(x, axis=axis),
}
WHOLE = ("det", "logdet")
COMPUTER = Computer(Limits(max_expression_nesting=200))


class SizeUnknownError(Exception):
    """A δ of two summed letters whose size nothing near it tells this reader."""


@dataclass
class Indexed:
    """Numbers with a letter for each axis."""

    letters: tuple
    numbers: np.ndarray

    def along(self, letters):
        """The numbers with an axis for each of the letters, in their order."""
        order = [self.letters.index(x) for x in letters if x in self.letters]
        shape = [
            self.numbers.shape[self.letters.index(x)] if x in self.letters else 1
            for x in letters
        ]
        return np.transpose(self.numbers, order).reshape(shape)


def combined(function, *values):
    letters = tuple(dict.fromkeys(x for v in values for x in v.letters))
    return Indexed(letters, function(*(v.along(letters) for v in values)))


def evaluated(text, values, letters, shape, sizes=()):
    """The tensor that an index expression gives over its free letters."""
    reader = Reader(text, values, dict(zip(letters, shape, strict=True)), dict(sizes))
    found = reader.expression()
    assert reader.peek() == "", (text, reader.place)
    return np.broadcast_to(found.along(letters), shape)


class Reader:
    def __init__(self, text, values, extent, sizes):
        found = [m for m in TOKEN.finditer(text) if m[1].strip()]
        self.tokens = [m[1] for m in found]
        self.text, self.spans = text, [m.span(1) for m in found]
        self.values, self.extent, self.sizes = values, extent, sizes
        self.place = 0

    def peek(self):
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self, expected=None):
        token = self.peek()
        assert expected in (None, token), (token, expected, self.tokens)
        self.place += 1
        return token

    def expression(self):
        total = self.term(-1 if self.peek() == "-" and self.take() else 1)
        while self.peek() in ("+", "-") and self.peek():
            sign = -1 if self.take() == "-" else 1
            total = combined(np.add, total, self.term(sign))
        return total

    def term(self, sign):
        product = Indexed((), np.array(float(sign)))
        while self.peek() not in ("", "+", "-", ")", ",", "]", *RELATIONS):
            if self.peek() == "/":
                self.take()
                product = combined(np.divide, product, self.item())
            elif self.peek().startswith("Σ_"):
                summed = self.take()[2:].strip("{}").split(",")
                rest = self.term(1)
                axes = tuple(rest.letters.index(x) for x in summed)
                left = tuple(x for x in rest.letters if x not in summed)
                total = Indexed(left, np.sum(rest.numbers, axis=axes))
                return combined(np.multiply, product, total)
            else:
                product = combined(np.multiply, product, self.item())
        return product

    def item(self):
        value = self.atom()
        if self.peek() == "^":
            self.take()
            value = combined(np.power, value, self.atom())
        return value

    def atom(self):
        token = self.take()
        if token[0].isdigit():
            return Indexed((), np.array(float(token)))
        if token == "[":
            left = self.expression()
            relation = RELATIONS[self.take()]
            right = self.expression()
            self.take("]")
            return combined(lambda a, b: relation(a, b) * 1.0, left, right)
        if token == "{":
            end = self.tokens.index("}", self.place)
            value = self.whole(self.place, end - 1, has_letters=False)
            self.take("}")
            return value
        if token == "(":
            end = self.closing()
            if end + 1 < len(self.tokens) and self.tokens[end + 1].startswith("_"):
                return self.whole(self.place - 1, end)
            inner = self.expression()
            self.take(")")
            return inner
        is_name = (
            token.rpartition("_")[0] in (*(set(self.values) - set(REDUCTIONS)), "δ")
            or token in self.values
        )
        return self.named(token) if is_name or self.peek() != "(" else self.called(token)

    def closing(self):
        depth, place = 1, self.place
        while depth:
            depth += {"(": 1, ")": -1}.get(self.tokens[place], 0)
            place += 1
        return place - 1

    def whole(self, first, end, has_letters=True):
        text = self.text[self.spans[first][0] : self.spans[end][1]]
        names = {n: v for n, v in self.values.items() if n in self.tokens[first : end + 1]}
        value = COMPUTER.run("evaluate", text, names).value
        self.place = end + 1
        letters = self.take()[1:].strip("{}") if has_letters else ""
        return diagonal(Indexed(tuple(letters), np.asarray(value)))

    def size_of(self, letters):
        """The size of the letters of a δ: an output's, or that of what carries one next."""
        for letter in letters:
            if letter in self.extent:
                return self.extent[letter]
        depth, place = 1, self.place
        while place < len(self.tokens) and depth:
            depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(self.tokens[place], 0)
            name, _, carried = self.tokens[place].rpartition("_")
            place += 1
            for letter in letters:
                if name in self.values and letter in carried.strip("{}"):
                    axis = carried.strip("{}").index(letter)
                    return self.values[name].shape[axis]
        raise SizeUnknownError(letters)

    def is_array(self, token):
        return np.ndim(self.values.get(token, 0.0)) > 0

    def called(self, name):
        first = self.place - 1
        self.take("(")
        end = self.closing()
        if end + 1 < len(self.tokens) and self.tokens[end + 1].startswith("_"):
            return self.whole(first, end)
        inside = self.tokens[first + 1 : end]
        if name in WHOLE or (len(inside) == 1 and self.is_array(inside[0])):
            return self.whole(first, end, has_letters=False)
        function, _, reduced = name.partition("_")
        if reduced and function in REDUCTIONS:
            inner = self.expression()
            self.take(")")
            axes = tuple(inner.letters.index(x) for x in reduced.strip("{},").replace(",", ""))
            left = tuple(x for x in inner.letters if x not in reduced)
            return Indexed(left, REDUCTIONS[function](inner.numbers, axis=axes))
        arguments = [self.expression()]
        while self.peek() == ",":
            self.take()
            arguments.append(self.expression())
        self.take(")")
        return combined(lambda *given: entrywise(name, given), *arguments)

    def named(self, token):
        name, _, letters = token.rpartition("_")
        letters = letters.strip("{}")
        if not name:
            value = self.values.get(token, self.sizes.get(token))
            return Indexed((), np.asarray(value, dtype=float))
        if name == "δ":
            return Indexed(tuple(letters), np.eye(self.size_of(letters)))
        return diagonal(Indexed(tuple(letters), self.values[name]))


def diagonal(value):
    """An array whose letters stand twice, along its diagonal."""
    letters = tuple(dict.fromkeys(value.letters))
    codes = {x: k for k, x in enumerate(letters)}
    inputs = [codes[x] for x in value.letters]
    return Indexed(letters, np.einsum(value.numbers, inputs, list(range(len(letters)))))


def entrywise(name, given):
    names = [f"v{k}" for k in range(len(given))]
    shape = np.broadcast_shapes(*(g.shape for g in given))
    is_number = name == "polygamma"
    text = ", ".join(
        str(int(np.ravel(g)[0])) if is_number and not k else n
        for k, (n, g) in enumerate(zip(names, given, strict=True))
    )
    values = {n: np.broadcast_to(g, shape).copy() for n, g in zip(names, given, strict=True)}
    if is_number:
        del values[names[0]]
    return COMPUTER.run("evaluate", f"{name}({text})", values).value
