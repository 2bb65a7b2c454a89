"""The data of a job in its request: columns of a dataset, or the numbers themselves."""

from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    Tag,
)
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypeAliasType

from service.api.schemas.learning import STRICT
from service.api.schemas.names import check_variables
from service.api.schemas.tensor_input import TensorInput, fault
from service.jobs.job import DATASET_ID
from service.language.places import describe

DATASET = "ds_7h3kq0zr5v9m2x8c4n6p1tbwge"
MOST_COLUMNS = 16_384


def given(**fields: object) -> dict[str, Any]:
    """The fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def _read_columns(value: object) -> object:
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise fault(f"found {describe(value)}, expected a column's name, or an array of names")
    if not 1 <= len(value) <= MOST_COLUMNS:
        raise fault(f"found {len(value)} names, expected 1 to {MOST_COLUMNS}")
    for place, name in enumerate(value):
        if not isinstance(name, str):
            raise fault(f"found {describe(name)}, expected a name", pointer=f"/{place}")
    return value


class _ColumnsSchema:
    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        name = core_schema.str_schema()
        return core_schema.no_info_plain_validator_function(
            _read_columns,
            json_schema_input_schema=core_schema.union_schema(
                [name, core_schema.list_schema(name)]
            ),
        )


ColumnNames = TypeAliasType(
    "ColumnNames",
    Annotated[
        Any,
        _ColumnsSchema(),
        Field(
            description="A column by its name, or several as an array of names.",
            examples=["price", ["area", "rooms"]],
        ),
    ],
)
ColumnsByVariable = Annotated[
    dict[str, ColumnNames],
    BeforeValidator(check_variables),
    Field(
        description=(
            "What a variable stands for: by one name alone a number for each row; by an array "
            "of names a row of numbers."
        ),
        examples=[{"X": ["area", "rooms"], "y": "price"}],
    ),
]
DatasetId = Annotated[
    str,
    Field(
        description="The id of a dataset.",
        pattern=f"^{DATASET_ID.pattern}$",
        examples=[DATASET],
    ),
]


class DatasetColumns(BaseModel):
    """Columns of a dataset."""

    model_config = STRICT

    dataset: DatasetId
    inputs: ColumnNames | None = Field(
        None, description="The columns that a model predicts by; all others if left out."
    )
    targets: ColumnNames | None = Field(
        None,
        description=(
            "The columns that a model is to predict; required of a neuron and a network. One "
            "column of class numbers from 0 where the loss compares distributions."
        ),
    )

    def document(self) -> dict[str, Any]:
        """The fields as they are stored."""
        return given(
            dataset=self.dataset, inputs=_listed(self.inputs), targets=_listed(self.targets)
        )


class InlineSamples(BaseModel):
    """Samples in the request itself."""

    model_config = STRICT

    inputs: TensorInput = Field(
        description="A row of inputs for each of N samples, [N × n].",
        examples=[[[1, 2], [3, 4]]],
    )
    targets: TensorInput = Field(
        description=(
            "What a model is to predict, [N] or [N × outputs]; class numbers from 0, [N], "
            "where the loss compares distributions."
        ),
        examples=[[0, 1]],
    )

    def document(self) -> dict[str, Any]:
        """The fields as they are stored."""
        return {"inputs": self.inputs, "targets": self.targets}


class InlineColumns(BaseModel):
    """Values of an expression's variables in the request itself."""

    model_config = STRICT

    columns: Annotated[
        dict[str, TensorInput],
        BeforeValidator(check_variables),
        Field(
            description="By variable, each with a first axis that counts N samples.",
            examples=[{"x": [1, 2, 3], "y": [2, 4, 6]}],
        ),
    ]

    def document(self) -> dict[str, Any]:
        """The fields as they are stored."""
        return {"columns": dict(self.columns)}


def _form(value: object) -> str:
    if isinstance(value, dict) and "dataset" in value:
        return "dataset"
    return "columns" if isinstance(value, dict) and "columns" in value else "samples"


def _listed(columns: object) -> object:
    return [columns] if isinstance(columns, str) else columns


TrainingData = TypeAliasType(
    "TrainingData",
    Annotated[
        Annotated[DatasetColumns, Tag("dataset")]
        | Annotated[InlineSamples, Tag("samples")]
        | Annotated[InlineColumns, Tag("columns")],
        Discriminator(_form),
        Field(
            description=(
                "Columns of a dataset; or in the request itself `inputs` and `targets` of a "
                "model, or `columns` of an expression."
            )
        ),
    ],
)
