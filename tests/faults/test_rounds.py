"""Random faults, twenty rounds of them; `tests.faults.rounds` runs as many as are asked for."""

from tests.faults.rounds import run_rounds

ROUNDS, SEED = 20, 6


def test_nothing_is_lost_or_twice_in_rounds_of_random_faults(house, reference):
    run_rounds(house, ROUNDS, SEED, reference)
