"""Datasets: kept as they arrive, listed, looked at, handed out again, deleted."""

from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import StreamingResponse

from service.api.access import caller_of
from service.api.contract import problems_for
from service.api.dataset_formats import HOW, OCTETS, TAKEN, format_of
from service.api.datasets_told import PATH, content_headers, dataset_document
from service.api.ids import DATASETS, DatasetId
from service.api.negotiation import JSON, media_of
from service.api.parameters import PLAIN_WHOLE
from service.api.schemas.datasets import Dataset, DatasetPage
from service.api.services import Services, services_of
from service.api.strict_route import AnyRoute, StrictRoute
from service.api.wire import Json, encode
from service.errors import UnauthenticatedError, UnavailableError, ValidationError
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
    services, caller = services_of(request), caller_of(request)
    services.refuse_new()
    _check_name(name)
    media_type = media_of(request.headers, TAKEN, HOW)
    format_name, chunks = await format_of(media_type, request.stream())
    most = services.settings.max_dataset_bytes
    described = await services.files.receive(chunks, format_name, most)
    if not await services.access.is_still_good(caller):
        raise UnauthenticatedError("the key has become useless while the file arrived")
    add = partial(services.records.add_dataset, caller.tenant, name, described)
    record = await services.storing(add)
    return _json(dataset_document(record), 201, {"Location": f"{PATH}/{record.id}"})


@router.get(
    PATH,
    operation_id="list_datasets",
    response_model=DatasetPage,
    response_description="The newest datasets first.",
)
async def list_datasets(
    request: Request,
    limit: Annotated[
        int, Query(description="How many at most.", ge=1, le=100), PLAIN_WHOLE
    ] = 50,
    after: Annotated[
        str | None, Query(description="`next` of the page before this one.")
    ] = None,
) -> Response:
    """The datasets of the caller, the newest first, page by page."""
    services, tenant = services_of(request), caller_of(request).tenant
    ask = partial(services.records.datasets, tenant, limit=limit, after=after)
    page = await services.storing(ask)
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
    services, tenant = services_of(request), caller_of(request).tenant
    ask = partial(services.records.dataset, tenant, DATASETS.checked(dataset_id))
    with DATASETS.looked_up():
        record = await services.storing(ask)
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
    services, tenant = services_of(request), caller_of(request).tenant
    forget = partial(services.records.delete_dataset, tenant, DATASETS.checked(dataset_id))
    with DATASETS.looked_up():
        await services.storing(forget)
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
    services, tenant = services_of(request), caller_of(request).tenant
    ask = partial(services.records.dataset, tenant, DATASETS.checked(dataset_id))
    with DATASETS.looked_up():
        record = await services.storing(ask)
    headers = content_headers(record)
    if request.scope.get("gradserve.is_head"):
        return Response(headers=headers)
    pieces = services.files.content(record.sha256)
    first = await services.storing(partial(next, pieces, None))
    if first is None:
        raise UnavailableError("the stored file of the dataset is not what it was")
    return StreamingResponse(_sent(first, pieces, services), headers=headers)


async def _sent(
    first: bytes, others: Iterator[bytes], services: Services
) -> AsyncIterator[bytes]:
    piece: bytes | None = first
    while piece is not None:
        yield piece
        piece = await services.storing(partial(next, others, None))


def _check_name(name: str | None) -> None:
    if name is not None and not (0 < len(name) <= MAX_NAME_LENGTH and name.isprintable()):
        found = shown(name) if len(name) <= MAX_NAME_LENGTH else f"{len(name)} characters"
        raise ValidationError(f"query name: found {found}, expected {_NAME_RULE}")


def _json(document: Json, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(encode(document), status, headers, media_type=JSON)
