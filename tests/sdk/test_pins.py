"""The npm packages are pinned, and their lock names no registry."""

import json
import re

from tests.sdk.toolchain import ROOT

LOCK = (ROOT / "openapi" / "package-lock.json").read_text(encoding="utf-8")
PACKAGE = json.loads((ROOT / "openapi" / "package.json").read_text(encoding="utf-8"))


def test_the_tools_are_pinned_exactly():
    locked = json.loads(LOCK)["packages"]

    for name, version in PACKAGE["devDependencies"].items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
        assert locked[f"node_modules/{name}"]["version"] == version


def test_every_package_of_the_lock_has_its_digest_and_no_address():
    packages = {place: part for place, part in json.loads(LOCK)["packages"].items() if place}

    assert [place for place, part in packages.items() if "resolved" in part] == []
    assert [place for place, part in packages.items() if "integrity" not in part] == []
