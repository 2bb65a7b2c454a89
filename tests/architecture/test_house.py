"""The house in order: where libraries live, how long files are, what a file says of itself."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "service").rglob("*.py"))
MOST_LINES = 350
HOMES = {
    "fastapi": ("api", "wiring.py"),
    "starlette": ("api", "wiring.py", "commands/serve_processes.py"),
    "uvicorn": ("api", "commands/serve_processes.py"),
    "pydantic": ("api", "settings.py"),
    "pydantic_settings": ("settings.py",),
    "orjson": ("api",),
    "lark": ("language",),
    "pyarrow": ("training/reading",),
    "click": ("commands", "__main__.py"),
    "httpx": ("commands",),
    "limits": ("api",),
    "prometheus_client": ("api",),
    "sqlalchemy": ("storage",),
    "alembic": ("storage",),
    "psycopg": ("storage",),
    "fsspec": ("storage",),
}


def imports(path):
    """The top-level packages that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def name_of(path):
    return str(path.relative_to(ROOT / "service"))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_library_is_imported_only_where_it_lives(path):
    name = name_of(path)

    strays = [
        library
        for library in imports(path)
        if library in HOMES and not name.startswith(HOMES[library])
    ]

    assert strays == []


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_is_short_and_says_what_it_holds(path):
    text = path.read_text()

    assert ast.get_docstring(ast.parse(text))
    assert len(text.splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_function_imports_inside_itself(path):
    inner = [
        node.lineno
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]

    assert inner == [] or name_of(path) in {"wiring.py", "__main__.py"}
