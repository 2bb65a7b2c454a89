"""Requests made from the seeds by chance; number k is the same in every run."""

import json
from copy import deepcopy
from dataclasses import dataclass

import numpy as np

from tests.hostile.body_mutations import mutate_fields, mutated_bytes
from tests.hostile.choice import pick
from tests.hostile.seeds import SEEDS
from tests.hostile.text_mutations import mutate_expression
from tests.hostile.value_mutations import mutate_value

SEED = 20_261
PATHS = (
    *("/v1/evaluate", "/v1/gradient", "/v1/jacobian"),
    *("/v1/hessian", "/v1/jvp", "/v1/vjp", "/v1/hvp", "/v1/analyze"),
    *("/v1/derive", "/v1/check"),
)
MUTATIONS = (mutate_expression, mutate_value, mutate_fields)
COUNTS = (0.45, 0.3, 0.15, 0.1)
SHARES = (0.42, 0.36, 0.12, 0.10)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A request to send: its number, path and body."""

    number: int
    path: str
    content: bytes

    def __str__(self) -> str:
        return f"mutant({self.number}) of seed {SEED}: POST {self.path} {self.content!r}"


def mutant(number: int) -> Mutant:
    """Request number k: a seed, changed in one to four ways."""
    rng = np.random.default_rng([SEED, number])
    seed = pick(rng, SEEDS)
    path, body = seed.path, deepcopy(seed.body)
    changes_bytes = False
    for _ in range(int(rng.choice([1, 2, 3, 4], p=COUNTS))):
        kind = int(rng.choice(4, p=SHARES))
        if kind == len(MUTATIONS):
            changes_bytes = True
        else:
            MUTATIONS[kind](rng, body)
    if rng.random() < 0.03:
        path = pick(rng, PATHS)
    content = json.dumps(body, ensure_ascii=bool(rng.integers(2))).encode("utf-8", "replace")
    return Mutant(number, path, mutated_bytes(rng, content) if changes_bytes else content)
