"""Limits for tests that look at numbers, not at time."""

from service.settings import Limits

# Other tests may leave these little of a processor: their answers are not to depend on it.
UNHURRIED = Limits(compute_seconds=60.0)
