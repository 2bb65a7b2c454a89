"""Interning of calls: the same call on the same slots is one, and no other is taken for it."""

import numpy as np

from service.calculus.differentiate import gradient
from service.calculus.graph import variable
from service.language.declarations import Declarations
from service.language.elaborate import elaborate
from service.language.parser import parse
from service.numeric.assembly import Assembly
from service.numeric.compile import compile_plan
from service.numeric.execute import execute
from service.settings import Limits


def test_a_call_made_twice_is_one_slot():
    assembly = Assembly()
    slot = assembly.input("x", (3,))

    first = assembly.emit(("sin",), np.sin, (slot,), (3,))
    again = assembly.emit(("sin",), np.sin, (slot,), (3,))

    assert first is again


def test_a_number_in_a_key_is_not_taken_for_a_slot():
    assembly = Assembly()
    slots = [assembly.input(name, ()) for name in "abc"]
    exponent = slots[2].position

    by_number = assembly.emit(("power", float(exponent)), np.square, (slots[0],), ())
    by_slot = assembly.emit(("power",), np.power, (slots[2], slots[0]), ())

    assert by_number is not by_slot


def test_a_power_of_a_variable_beside_a_power_by_it_are_two():
    text, limits = "2**y / y + 1 / y", Limits()
    node = elaborate(text, parse(text, limits), Declarations({"y": ()}), limits).node
    y = variable("y", ())

    _, found = execute(compile_plan([node, gradient(node, [y])[y]]), {"y": np.array(0.5)})

    expected = np.log(2) * 2**0.5 / 0.5 - 2**0.5 / 0.25 - 1 / 0.25
    np.testing.assert_allclose(found, expected, rtol=1e-14)
