"""Runs the commands of `openapi/README.md` with the tools of this Python environment."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "openapi" / "README.md").read_text(encoding="utf-8")
TOOLS = Path(sys.executable).parent
SECONDS = 150


def readme_block(section: str, language: str) -> str:
    """The only block in this language under the heading `section`."""
    text = README.split(f"\n## {section}\n")[1].split("\n## ")[0]
    (block,) = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return block


def build(section: str, directory: Path) -> str:
    """What the README's one command for this client prints; it builds below `directory`."""
    command = readme_block(section, "sh").strip()
    assert "\n" not in command
    assert "build/" in command
    done = run("bash", "-euc", command.replace("build/", f"{directory}/"))
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed
    return printed


def run(*command: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """A command that has ended; it finds this environment's tools, Node among them, first."""
    path = os.pathsep.join([str(TOOLS), os.environ.get("PATH", os.defpath)])
    return subprocess.run(
        command,
        cwd=cwd,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
