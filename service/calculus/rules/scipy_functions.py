"""SciPy's special functions, imported when the first is computed: it is a slow import."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from service.calculus.rules.records import Array


def scipy_function(name: str) -> Callable[..., Array]:
    """A function of `scipy.special` by its name."""

    def function(*arguments: Any) -> Array:  # noqa: ANN401  # NumPy's
        found: Array = getattr(import_module("scipy.special"), name)(*arguments)
        return found

    function.__name__ = name
    return function
