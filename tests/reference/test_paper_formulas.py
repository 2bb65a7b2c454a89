"""Parr & Howard's formulas as /v1/derive writes them: text, code, steps, both layouts."""

import numpy as np
import pytest

from tests.derivation.chains import product_of
from tests.reference.test_paper import (
    CASES,
    DIFFERENTIATED,
    assert_equal_to_12_digits,
    numpy_value,
    points,
    sent,
    wrt_of,
)
from tests.reference.through_http import array, post

DECOMPOSED = [
    n
    for n, c in CASES.items()
    if c.get("decomposition") and c["kind"] == "example" and "expr" in c
]
# Rules of the review of scalar calculus that the paper's later sections give longer names.
LONGER = {"chain rule": "single-variable chain rule"}


def derive(case, values, sizes, **options):
    body = {
        "expression": case["expr"],
        "variables": sent(values, sizes, case["expr"]),
        "wrt": wrt_of(case),
    }
    answer = post("/v1/derive", body | options)
    return [answer["derivatives"][name] for name in wrt_of(case)]


def evaluated(text, variables):
    return array(post("/v1/evaluate", {"expression": text, "variables": variables})["value"])


def together(case, found):
    return np.stack(found, axis=-1) if isinstance(case["wrt"], list) else found[0]


@pytest.mark.parametrize("name", DIFFERENTIATED)
def test_the_text_and_the_code_are_the_paper_s_derivative(name, rng):
    case = CASES[name]

    for sizes, values in points(case, rng):
        expected = numpy_value(case["expected_numpy"], values, sizes)
        variables = sent(values, sizes, case["expr"])
        derivatives = derive(case, values, sizes)

        texts = [evaluated(d["text"], variables) for d in derivatives]
        codes = [called(d["numpy"], variables) for d in derivatives]

        assert_equal_to_12_digits(together(case, texts), expected)
        assert_equal_to_12_digits(together(case, codes), expected)
        assert all(d["notation"] and d["latex"] and d["index_notation"] for d in derivatives)


def called(source, variables):
    module = {}
    exec(source, module)
    names = module["derivative"].__code__.co_varnames[
        : module["derivative"].__code__.co_argcount
    ]
    return np.asarray(module["derivative"](*(np.array(variables[n]) for n in names)), float)


@pytest.mark.parametrize("name", DIFFERENTIATED)
def test_the_denominator_layout_is_the_transpose(name, rng):
    case = CASES[name]
    sizes, values = points(case, rng)[0]
    variables = sent(values, sizes, case["expr"])

    for numerator, denominator in zip(
        derive(case, values, sizes),
        derive(case, values, sizes, layout="denominator"),
        strict=True,
    ):
        by = len(np.shape(variables[wrt_of(case)[0]]))
        of = len(numerator["shape"]) - by
        axes = (*range(of, of + by), *range(of))
        expected = np.transpose(evaluated(numerator["text"], variables), axes)

        assert denominator["shape"] == list(expected.shape)
        assert_equal_to_12_digits(evaluated(denominator["text"], variables), expected)


@pytest.mark.parametrize("name", DIFFERENTIATED)
def test_the_local_derivatives_multiply_to_the_answer(name, rng):
    case = CASES[name]
    sizes, values = points(case, rng)[0]
    variables = {n: np.array(v, float) for n, v in sent(values, sizes, case["expr"]).items()}

    for wrt, derivative in zip(
        wrt_of(case), derive(case, values, sizes, steps=True), strict=True
    ):
        steps = [as_step(step) for step in derivative["steps"]]
        if not steps:
            continue
        local = {(s.symbol, p.by): p.value for s in steps for p in s.partials}
        product = product_of(steps, local, variables, wrt)

        expected = evaluated(derivative["text"], sent(values, sizes, case["expr"]))
        assert_equal_to_12_digits(product, expected)
        assert steps[-1].becomes == derivative["text"]


class Told:
    def __init__(self, **fields):
        self.__dict__.update(fields)


def as_step(step):
    return Told(
        symbol=step["symbol"],
        becomes=step["becomes"]["text"],
        rules=[step["rule"], *step["conditions"]],
        value=array(step["value"]),
        partials=[Told(by=p["by"], value=array(p["value"])) for p in step["partials"]],
    )


@pytest.mark.parametrize("name", DECOMPOSED)
def test_the_paper_s_intermediates_are_among_ours(name, rng):
    case = CASES[name]
    sizes, values = points(case, rng)[0]
    (derivative,) = derive(case, values, sizes, steps=True)
    steps = [as_step(step) for step in derivative["steps"]]
    ours = [s.value for s in steps]
    known = dict(values)

    for part in case["decomposition"]:
        known[part["name"]] = value = as_array(part["expr"], known, sizes)
        parts = value if part["expr"].startswith("[") else [value]
        for one in parts:
            assert any(o.shape == one.shape and np.allclose(o, one) for o in ours), part


@pytest.mark.parametrize("expression", dict.fromkeys(CASES[n]["expr"] for n in DECOMPOSED))
def test_the_paper_s_rules_are_among_ours(expression, rng):
    """Of entries that share an expression, their derivations together."""
    cases = [CASES[n] for n in DECOMPOSED if CASES[n]["expr"] == expression]
    rules = set()
    for case in cases:
        sizes, values = points(case, rng)[0]
        for derivative in derive(case, values, sizes, steps=True):
            rules |= {r for step in derivative["steps"] for r in as_step(step).rules}

    expected = {LONGER.get(rule, rule) for case in cases for rule in case["rules"]}

    assert expected <= rules


def as_array(expression, values, sizes):
    return numpy_value(expression, values, sizes)
