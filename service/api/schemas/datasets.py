"""What is told of datasets: a dataset, its columns, a page of them."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from service.training.reading.tables import FormatName

ID = "ds_7h3kq0zr5v9m2x8c4n6p1tbwge"
TIME = "2026-01-31T12:00:00.250000Z"
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


class DatasetColumn(BaseModel):
    """A column of a dataset."""

    name: str = Field(description="Its name.", examples=["age"])
    dtype: str = Field(
        description="Of its numbers in the file; they are computed with as float64.",
        examples=["float64"],
    )
    minimum: float = Field(description="Its least number.", examples=[18.0])
    maximum: float = Field(description="Its greatest number.", examples=[90.5])


class DatasetLinks(BaseModel):
    """Where to go on from a dataset; paths on this service."""

    self: str = Field(description="The dataset.", examples=[f"/v1/datasets/{ID}"])
    content: str = Field(
        description="Its file as it came.", examples=[f"/v1/datasets/{ID}/content"]
    )


class Dataset(BaseModel):
    """A table of numbers that is kept."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": ID,
                    "name": "people",
                    "format": "csv",
                    "rows": 200000,
                    "columns": [
                        {"name": "age", "dtype": "float64", "minimum": 18.0, "maximum": 90.5}
                    ],
                    "bytes": 1048576,
                    "sha256": SHA256,
                    "created_at": TIME,
                    "links": {
                        "self": f"/v1/datasets/{ID}",
                        "content": f"/v1/datasets/{ID}/content",
                    },
                }
            ]
        }
    )

    id: str = Field(description="Its id.", examples=[ID])
    name: str | None = Field(description="The name it was given.", examples=["people"])
    format: FormatName = Field(description="What the file is.")
    rows: int = Field(description="How many rows there are.", examples=[200000])
    columns: list[DatasetColumn] = Field(description="The columns, from left to right.")
    bytes: int = Field(description="Length of the file, in bytes.", examples=[1048576])
    sha256: str = Field(
        description="SHA-256 of the file, as hexadecimal digits.", examples=[SHA256]
    )
    created_at: datetime = Field(description="When it was kept.", examples=[TIME])
    links: DatasetLinks = Field(description="Where to go on.")


class DatasetPage(BaseModel):
    """Some datasets, the newest first."""

    data: list[Dataset] = Field(description="The datasets.")
    has_more: bool = Field(description="Whether there are older ones.")
    next: str | None = Field(
        description="Give it as `after` for the next page; null on the last one."
    )
