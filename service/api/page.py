"""Plain pages: one style, no script, nothing from elsewhere."""

from base64 import b64encode
from hashlib import sha256
from html import escape

from starlette.responses import HTMLResponse

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fdfdfb; --soft: #f1f1ec;
  --link: #0b5cad }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e6e1; --paper: #16181b; --soft: #22262b; --link: #7db7f0 }
}
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 1.05rem/1.6 system-ui, sans-serif }
main { max-width: 46rem; margin: 0 auto; padding: 3rem 1.25rem }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 1rem }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem }
a { color: var(--link) }
code, pre { font: .92rem/1.5 ui-monospace, monospace; background: var(--soft);
  border-radius: .3rem }
code { padding: .1rem .3rem }
pre { padding: 1rem; white-space: pre-wrap; overflow-wrap: anywhere }
pre code { padding: 0 }
"""
_HASH = b64encode(sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; frame-ancestors 'none'"


def text(content: str) -> str:
    """The content as HTML text."""
    return escape(content)


def page(title: str, body: str) -> str:
    """A whole page; `body` is HTML, `title` is text."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{text(title)} · gradserve</title><style>{STYLE}</style></head>"
        f"<body><main><h1>{text(title)}</h1>{body}</main></body></html>"
    )


def page_response(content: str) -> HTMLResponse:
    """The answer with a page that may load nothing."""
    return HTMLResponse(content, headers={"Content-Security-Policy": POLICY})
