"""Datasets: kept as they arrive, listed, looked at, handed out again, deleted."""

from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import StreamingResponse

from service.api.contract import problems_for
from service.api.dataset_formats import OCTETS, TAKEN, format_of
from service.api.dataset_stores import (
    DatasetId,
    checked_id,
    files_of,
    in_thread,
    of_a_dataset,
    records_of,
    tenant_of,
)
from service.api.datasets_told import PATH, content_headers, dataset_document
from service.api.negotiation import JSON, media_of
from service.api.schemas.datasets import Dataset, DatasetPage
from service.api.strict_route import AnyRoute, StrictRoute
from service.api.wire import Json, encode
from service.errors import UnavailableError, ValidationError
from service.language.places import shown

MAX_NAME_LENGTH = 200
_NAME_RULE = f"1 to {MAX_NAME_LENGTH} characters that print"
_FILE = {"schema": {"type": "string", "format": "binary"}}
# Said in words: of several bodies openapi-python-client 0.29 makes code that names nothing.
_BODY = {
    "description": "The file as it is, with its media type: "
    + ", ".join(f"`{media}`" for media in TAKEN if media != OCTETS)
    + f"; as `{OCTETS}` it is recognised by its first bytes. No multipart, no encoding.",
    "required": True,
    "content": {OCTETS: _FILE},
}

router = APIRouter(
    route_class=StrictRoute, tags=["datasets"], responses=problems_for(takes_body=False)
)


@router.post(
    PATH,
    operation_id="upload_dataset",
    status_code=201,
    response_model=Dataset,
    response_description="The dataset, kept and described.",
    responses=problems_for(takes_body=True, others=(503,)),
    openapi_extra={"requestBody": _BODY},
)
async def upload_dataset(
    request: Request,
    name: Annotated[str | None, Query(description=f"Its name: {_NAME_RULE}.")] = None,
) -> Response:
    """Keep a table of numbers: CSV, NPY, NPZ, Parquet or JSON, checked while it arrives.

    Its columns have names; of NPY without fields they are c0, c1, … The first thing that is
    wrong ends the upload, with row and column.
    """
    _check_name(name)
    media_type = media_of(request.headers, TAKEN)
    format_name, chunks = await format_of(media_type, request.stream())
    most = request.app.state.settings.max_dataset_bytes
    described = await files_of(request).receive(chunks, format_name, most)
    tenant = tenant_of(request)
    add = partial(records_of(request).add_dataset, tenant, name, described)
    record = await in_thread(add)
    return _json(dataset_document(record), 201, {"Location": f"{PATH}/{record.id}"})


@router.get(
    PATH,
    operation_id="list_datasets",
    response_model=DatasetPage,
    response_description="The newest datasets first.",
)
async def list_datasets(
    request: Request,
    limit: Annotated[int, Query(description="How many at most.", ge=1, le=100)] = 50,
    after: Annotated[
        str | None, Query(description="`next` of the page before this one.")
    ] = None,
) -> Response:
    """The datasets of the caller, the newest first, page by page."""
    ask = partial(records_of(request).datasets, tenant_of(request), limit=limit, after=after)
    page = await in_thread(ask)
    return _json(
        {
            "data": [dataset_document(record) for record in page.items],
            "has_more": page.next is not None,
            "next": page.next,
        }
    )


@router.get(
    f"{PATH}/{{id}}",
    operation_id="get_dataset",
    response_model=Dataset,
    response_description="The dataset.",
    responses=problems_for(takes_body=False, others=(404,)),
)
async def get_dataset(request: Request, dataset_id: DatasetId) -> Response:
    """A dataset: its columns with their ranges, its size, its hash."""
    ask = partial(records_of(request).dataset, tenant_of(request), checked_id(dataset_id))
    with of_a_dataset():
        record = await in_thread(ask)
    return _json(dataset_document(record))


@router.delete(
    f"{PATH}/{{id}}",
    operation_id="delete_dataset",
    status_code=204,
    response_description="The dataset is forgotten.",
    responses=problems_for(takes_body=False, others=(404, 409)),
)
async def delete_dataset(request: Request, dataset_id: DatasetId) -> Response:
    """Forget a dataset; one that a job uses which has not ended cannot be."""
    records, checked = records_of(request), checked_id(dataset_id)
    with of_a_dataset():
        await in_thread(partial(records.delete_dataset, tenant_of(request), checked))
    return Response(status_code=204)


files_router = APIRouter(
    route_class=AnyRoute, tags=["datasets"], responses=problems_for(takes_body=False)
)


@files_router.get(
    f"{PATH}/{{id}}/content",
    operation_id="download_dataset",
    response_class=StreamingResponse,
    response_description="The file as it came, with the media type of its format.",
    responses={
        200: {"content": {OCTETS: _FILE}},
        **problems_for(takes_body=False, others=(404, 503)),
    },
)
async def download_dataset(request: Request, dataset_id: DatasetId) -> Response:
    """The file of a dataset, byte for byte as it came; its ETag is its SHA-256."""
    records, checked = records_of(request), checked_id(dataset_id)
    with of_a_dataset():
        record = await in_thread(partial(records.dataset, tenant_of(request), checked))
    pieces = files_of(request).content(record.sha256)
    first = await in_thread(partial(next, pieces, None))
    if first is None:
        raise UnavailableError("the stored file of the dataset is not what it was")
    return StreamingResponse(_sent(first, pieces), headers=content_headers(record))


async def _sent(first: bytes, others: Iterator[bytes]) -> AsyncIterator[bytes]:
    piece: bytes | None = first
    while piece is not None:
        yield piece
        piece = await in_thread(partial(next, others, None))


def _check_name(name: str | None) -> None:
    if name is not None and not (0 < len(name) <= MAX_NAME_LENGTH and name.isprintable()):
        found = shown(name) if len(name) <= MAX_NAME_LENGTH else f"{len(name)} characters"
        raise ValidationError(f"query name: found {found}, expected {_NAME_RULE}")


def _json(document: Json, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(encode(document), status, headers, media_type=JSON)
