"""The generated clients that the tests use: how each is built, type-checked and run."""

import re
import sys
from pathlib import Path
from subprocess import CompletedProcess
from typing import Protocol

from tests.sdk.toolchain import build, run


class GeneratedClient(Protocol):
    """A client of one language, built by the README's command for it below a directory.

    Programs lie in `home`, from where they can import the client.
    """

    section: str
    block: str
    suffix: str
    home: Path

    def operations(self) -> set[str]:
        """The operationIds that there are functions for."""

    def check(self, *programs: str) -> CompletedProcess[str]:
        """The strict type checker on programs of these names."""

    def run(self, program: str, *arguments: str) -> CompletedProcess[str]:
        """A program that has been checked; a warning is an error."""


class PythonClient(GeneratedClient):
    section = "Python"
    block = "python"
    suffix = ".py"

    def __init__(self, directory: Path) -> None:
        build(self.section, directory)
        self.home = directory / "python"

    def operations(self) -> set[str]:
        modules = self.home.glob("gradserve_client/api/*/*.py")
        return {module.stem for module in modules} - {"__init__"}

    def check(self, *programs: str) -> CompletedProcess[str]:
        files = [f"{program}.py" for program in programs]
        return run("mypy", "--strict", "--config-file=", *files, cwd=self.home)

    def run(self, program: str, *arguments: str) -> CompletedProcess[str]:
        return run(sys.executable, "-W", "error", f"{program}.py", *arguments, cwd=self.home)


class TypeScriptClient(GeneratedClient):
    section = "TypeScript"
    block = "ts"
    suffix = ".ts"

    def __init__(self, directory: Path) -> None:
        build(self.section, directory)
        self.home = directory / "typescript"

    def operations(self) -> set[str]:
        index = (self.home / "source" / "index.ts").read_text(encoding="utf-8")
        (names,) = re.findall(r"^export \{ (.*) \} from './sdk\.gen\.js';$", index, re.M)
        functions = [name for name in names.split(", ") if not name.startswith("type ")]
        return {
            re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", name) for name in functions
        }

    def check(self, *programs: str) -> CompletedProcess[str]:
        files = [f"{program}.ts" for program in programs]
        options = ("--strict", "--noEmitOnError", "--target", "es2022", "--module", "nodenext")
        return run("node_modules/.bin/tsc", *options, *files, cwd=self.home)

    def run(self, program: str, *arguments: str) -> CompletedProcess[str]:
        return run("node", "--throw-deprecation", f"{program}.js", *arguments, cwd=self.home)
