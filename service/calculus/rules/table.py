"""The table of the language's functions: name or alias → record."""

from service.calculus.rules.activation_functions import ACTIVATION_FUNCTIONS
from service.calculus.rules.angle_functions import ANGLE_FUNCTIONS
from service.calculus.rules.axis_functions import AXIS_FUNCTIONS
from service.calculus.rules.construction_functions import CONSTRUCTION_FUNCTIONS
from service.calculus.rules.entry_functions import ENTRY_FUNCTIONS
from service.calculus.rules.learning_functions import LEARNING_FUNCTIONS
from service.calculus.rules.logarithm_functions import LOGARITHM_FUNCTIONS
from service.calculus.rules.loss_functions import LOSS_FUNCTIONS
from service.calculus.rules.matrix_functions import MATRIX_FUNCTIONS
from service.calculus.rules.piecewise_functions import PIECEWISE_FUNCTIONS
from service.calculus.rules.product_functions import PRODUCT_FUNCTIONS
from service.calculus.rules.records import Function
from service.calculus.rules.special_functions import SPECIAL_FUNCTIONS
from service.calculus.rules.statistics_functions import STATISTICS_FUNCTIONS

_TABLES = (
    ENTRY_FUNCTIONS,
    LOGARITHM_FUNCTIONS,
    ANGLE_FUNCTIONS,
    SPECIAL_FUNCTIONS,
    PIECEWISE_FUNCTIONS,
    ACTIVATION_FUNCTIONS,
    AXIS_FUNCTIONS,
    STATISTICS_FUNCTIONS,
    MATRIX_FUNCTIONS,
    LEARNING_FUNCTIONS,
    LOSS_FUNCTIONS,
    PRODUCT_FUNCTIONS,
    CONSTRUCTION_FUNCTIONS,
)

FUNCTIONS: dict[str, Function] = {f.name: f for table in _TABLES for f in table}
BY_ANY_NAME: dict[str, Function] = FUNCTIONS | {
    alias: f for f in FUNCTIONS.values() for alias in f.aliases
}
