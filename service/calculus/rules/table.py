"""The table of the language's functions: name or alias → record."""

from service.calculus.rules.axis_functions import AXIS_FUNCTIONS
from service.calculus.rules.entry_functions import ENTRY_FUNCTIONS
from service.calculus.rules.matrix_functions import MATRIX_FUNCTIONS
from service.calculus.rules.records import Function

FUNCTIONS: dict[str, Function] = {
    f.name: f for f in (*ENTRY_FUNCTIONS, *AXIS_FUNCTIONS, *MATRIX_FUNCTIONS)
}
BY_ANY_NAME: dict[str, Function] = FUNCTIONS | {
    alias: f for f in FUNCTIONS.values() for alias in f.aliases
}
