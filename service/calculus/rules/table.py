"""The table of the language's functions: name or alias → record."""

from service.calculus.rules.functions import FUNCTIONS_IN_ORDER
from service.calculus.rules.records import Function

FUNCTIONS: dict[str, Function] = {f.name: f for f in FUNCTIONS_IN_ORDER}
BY_ANY_NAME: dict[str, Function] = FUNCTIONS | {
    alias: f for f in FUNCTIONS_IN_ORDER for alias in f.aliases
}
