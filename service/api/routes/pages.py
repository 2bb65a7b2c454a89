"""The page at `/`: what the service is and a line to try."""

from fastapi import APIRouter, Request, Response

from service import __version__
from service.api.page import page, page_response, text
from service.api.strict_route import PageRoute

router = APIRouter(route_class=PageRoute, include_in_schema=False)

EXAMPLE = '{"expression": "x**2", "variables": {"x": [1, 2, 3]}}'


def example_command(address: str) -> str:
    """A command line that asks the service at this address for a Jacobian."""
    return f"curl -s {address}/v1/jacobian -H 'Content-Type: application/json' -d '{EXAMPLE}'"


@router.get("/")
async def show_start(request: Request) -> Response:
    """The start page."""
    command = example_command(str(request.base_url).rstrip("/"))
    return page_response(
        page(
            "gradserve",
            "<p>Exact values, gradients and Jacobians of matrix expressions, over HTTP. A "
            "derivative keeps the structure its formula has: zero, identity, diagonal or "
            "factored.</p>"
            f"<h2>Try it</h2><pre><code>{text(command)}</code></pre>"
            "<p>The Jacobian of <code>x**2</code> at (1, 2, 3) is diagonal, with 2, 4, 6.</p>"
            "<h2>Go on</h2><ul>"
            '<li><a href="/docs">The operations</a>, to read and try</li>'
            '<li><a href="/openapi.json">The OpenAPI document</a>, to generate clients</li>'
            '<li><a href="/v1/info">Every function and limit</a></li></ul>'
            f"<p>Version {text(__version__)}</p>",
        )
    )
