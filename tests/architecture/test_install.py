"""What `pip install gradserve` brings, and how large it is."""

import os
import sys
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

OF_EXTRAS = {"dask", "distributed", "jax", "torch", "pytest"}
MOST_MEGABYTES = 600  # with compiled files


def requirements(name, extras):
    """What a distribution needs on this machine, with these extras of it."""
    for text in distribution(name).requires or ():
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": e}) for e in (extras or {""})):
            yield requirement


def installed_with(name):
    """The distribution and all that it brings, by their names."""
    found, waiting = {}, [(canonicalize_name(name), frozenset())]
    while waiting:
        one, extras = waiting.pop()
        if one in found and extras <= found[one]:
            continue
        found[one] = found.get(one, frozenset()) | extras
        waiting += [
            (canonicalize_name(each.name), frozenset(each.extras))
            for each in requirements(one, found[one])
        ]
    return set(found)


def size_of(name):
    """The bytes of a distribution's files, as far as they are there."""
    paths = [Path(str(file.locate())) for file in distribution(name).files or ()]
    return sum(os.path.getsize(path) for path in paths if path.is_file())


def test_the_service_is_installed_without_what_a_cluster_needs(capsys):
    found = installed_with("gradserve")
    sizes = {name: size_of(name) / 1e6 for name in found}

    largest = sorted(sizes, key=sizes.get, reverse=True)[:5]
    told = ", ".join(f"{name} {sizes[name]:.0f}" for name in largest)
    megabytes = sum(sizes.values())
    with capsys.disabled():
        sys.stdout.write(
            f"\nbase install: {len(found)} packages, {megabytes:.0f} MB ({told})\n"
        )
    assert found >= {"fastapi", "numpy", "sqlalchemy"}
    assert not found & OF_EXTRAS
    assert megabytes < MOST_MEGABYTES
