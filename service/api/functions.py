"""The functions of the language as `/v1/info` lists them, from their records."""

from service.api.schemas.system import FunctionInfo
from service.calculus.rules.table import FUNCTIONS


def function_infos() -> list[FunctionInfo]:
    """Every function, by name."""
    return [
        FunctionInfo(
            name=record.name,
            arguments=record.arguments,
            summary=record.summary,
            latex=record.formula,
            aliases=list(record.aliases),
            note=record.note,
        )
        for _, record in sorted(FUNCTIONS.items())
    ]
