"""Ten thousand requests changed by chance: none fails, none is slow, each answer is whole."""

import json
import re
from collections import Counter
from pathlib import Path

import httpx
import jsonschema
import pytest

from service.calculus.rules.table import FUNCTIONS
from tests.hostile.campaign import outcomes_of, request_of
from tests.hostile.mutations import PATHS, Mutant, mutant
from tests.hostile.problems import DOCUMENTED
from tests.hostile.seeds import SEEDS

COUNT = 10_000
LEAST_VALID = 0.5
LEAST_ANSWERED = 0.2
MOST_SECONDS = 1.0
LISTED = 5
CONTRACT = json.loads(
    (Path(__file__).parents[2] / "openapi" / "openapi.json").read_text(encoding="utf-8")
)


@pytest.fixture(scope="module")
def outcomes(live_server):
    return outcomes_of(live_server.host, live_server.port, COUNT)


def listed(found):
    """The first of them, each with what it takes to send it again."""
    return f"{len(found)} of {COUNT}\n" + "\n".join(map(str, found[:LISTED]))


def validator_of(path):
    """The service's own JSON schema of the request of a route."""
    body = CONTRACT["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    schema = body["schema"] | {"components": CONTRACT["components"]}
    return jsonschema.Draft202012Validator(schema)


def test_every_seed_is_answered(live_server):
    sent = [Mutant(k, s.path, json.dumps(s.body).encode()) for k, s in enumerate(SEEDS)]

    found = outcomes_of(live_server.host, live_server.port, len(sent), sent.__getitem__)

    wrong = [o for o in found if o.status != 200 or o.faults]
    assert not wrong, listed(wrong)


def test_the_seeds_have_every_function_route_and_representation():
    texts = " ".join(str(seed.body["expression"]) for seed in SEEDS)

    assert [name for name in FUNCTIONS if not re.search(rf"\b{name}\(", texts)] == []
    assert {seed.path for seed in SEEDS} == set(PATHS)
    assert {seed.body.get("representation", "auto") for seed in SEEDS} == {
        "auto",
        "dense",
        "factored",
    }


def test_a_mutant_is_the_same_every_time():
    assert [mutant(k) for k in range(200)] == [mutant(k) for k in range(200)]
    assert len({mutant(k).content for k in range(200)}) > 150


def test_no_request_fails(outcomes):
    failed = [o for o in outcomes if not 200 <= o.status < 500]

    assert not failed, listed(failed)


def test_every_answer_is_whole(outcomes):
    """A 200 has finite numbers in shapes that fit; anything else is a documented problem."""
    wrong = [o for o in outcomes if o.faults]

    assert not wrong, listed(wrong)


def test_no_request_is_slow(outcomes):
    slow = [o for o in outcomes if o.seconds > MOST_SECONDS]

    assert not slow, listed(slow)


def test_half_of_the_requests_are_valid_and_a_fifth_is_answered(outcomes):
    validators = {path: validator_of(path) for path in PATHS}

    valid = [
        o for o in outcomes if validators[o.mutant.path].is_valid(request_of(o.mutant.content))
    ]
    answered = [o for o in outcomes if o.status == 200]

    assert len(outcomes) == COUNT
    assert len(valid) >= LEAST_VALID * COUNT
    assert len(answered) >= LEAST_ANSWERED * COUNT


def test_many_kinds_of_problem_are_met_and_each_has_its_page(live_server, outcomes):
    met = Counter(o.code for o in outcomes if o.code)

    pages = {code: httpx.get(f"{live_server.url}/problems/{code}") for code in met}

    assert [code for code, page in pages.items() if page.status_code != 200] == []
    assert met.keys() >= {
        *("malformed_json", "duplicate_key", "validation", "syntax_error", "unknown_name"),
        *("unknown_function", "wrong_arguments", "shape_mismatch", "not_scalar", "not_square"),
        *("non_finite_result", "singular_matrix"),
    }
    assert met.keys() <= set().union(*DOCUMENTED.values())
