"""The pages that the `type` of a problem refers to, for people and for programs."""

from fastapi import APIRouter, Request, Response

from service.api.contract import problems_for
from service.api.negotiation import HTML, JSON, quality
from service.api.page import page_response
from service.api.problem_pages import description_of, description_page
from service.api.problems import all_errors
from service.api.schemas.problems import ProblemDescription
from service.api.strict_route import PageRoute
from service.api.suggestions import suggestion
from service.api.wire import encode
from service.errors import NotFoundError
from service.language.places import shown

router = APIRouter(
    route_class=PageRoute,
    tags=["system"],
    responses=problems_for(takes_body=False, others=(404,)),
)


@router.get(
    "/problems/{code}",
    operation_id="describe_problem",
    response_model=ProblemDescription,
    response_description="What the code means.",
)
async def describe_problem(request: Request, code: str) -> Response:
    """What an error's code means and what to do about it; as a page for browsers."""
    known = {error.code: error for error in all_errors()}
    if code not in known:
        raise NotFoundError(f"found no error {shown(code)}", hint=suggestion(code, known))
    found = description_of(known[code])
    accept = request.headers.get("accept", JSON)
    if quality(accept, HTML) > quality(accept, JSON):
        return page_response(description_page(found))
    return Response(encode(found.model_dump()), media_type=JSON)
