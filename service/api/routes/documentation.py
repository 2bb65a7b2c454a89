"""`/openapi.json` and `/docs`: Swagger UI from an installed package, nothing from elsewhere."""

from functools import lru_cache
from importlib.resources import files

from fastapi import APIRouter, Request, Response
from starlette.responses import HTMLResponse

from service.api.computing import computing_of
from service.api.negotiation import JSON
from service.api.strict_route import AnyRoute
from service.errors import NotFoundError
from service.language.places import shown

router = APIRouter(route_class=AnyRoute, include_in_schema=False)

PACKAGE = "fastapi_offline"
ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"
)
START = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#ui",
  deepLinking: true,
  tryItOutEnabled: true,
  defaultModelsExpandDepth: 0,
});
"""
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>gradserve: operations</title>
<link rel="icon" href="docs/favicon.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""


@router.get("/openapi.json")
async def show_contract(request: Request) -> Response:
    """The OpenAPI document."""
    contract = await computing_of(request).in_thread(request.app.state.contract)
    return Response(contract, media_type=JSON)


@router.get("/docs")
async def show_operations() -> Response:
    """The operations, to read and to try."""
    return HTMLResponse(PAGE, headers={"Content-Security-Policy": POLICY})


@router.get("/docs/{name}")
async def send_asset(name: str) -> Response:
    """A file of the page."""
    if name == "start.js":
        return Response(START, media_type="text/javascript")
    if name not in ASSETS:
        raise NotFoundError(f"found no file {shown(name)}")
    headers = {"Cache-Control": "public, max-age=86400"}
    return Response(_asset(name), media_type=ASSETS[name], headers=headers)


@lru_cache
def _asset(name: str) -> bytes:
    return files(PACKAGE).joinpath("static", name).read_bytes()
