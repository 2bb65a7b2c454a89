"""The BLAS libraries of this process: which kernels they chose, on how many threads they run.

The bits of a product depend on both. NumPy and SciPy bring an OpenBLAS each, whose names may
begin with `scipy_` and end with `64_`; where none is found there is nothing to tell or set.
"""

import ctypes
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_MAPS = Path("/proc/self/maps")
_OPENBLAS = re.compile(r"(/\S*openblas[^/\s]*\.so[^/\s]*)")
_AFFIXES = [(start, end) for start in ("scipy_", "") for end in ("64_", "")]


@dataclass(frozen=True, slots=True)
class _Library:
    """The functions of one library."""

    get_threads: "ctypes._NamedFuncPointer"
    set_threads: "ctypes._NamedFuncPointer"
    get_kernels: "ctypes._NamedFuncPointer"


def kernels() -> tuple[str, ...]:
    """The processors whose kernels are used, each once: `Haswell`."""
    found = (library.get_kernels() or b"" for library in _libraries())
    return tuple(sorted({name.decode("ascii", "replace") for name in found}))


def threads() -> int | None:
    """The largest number of threads that a library runs on; None where there is none."""
    return max((int(library.get_threads()) for library in _libraries()), default=None)


def set_threads(count: int) -> None:
    """Run every library on so many threads from now on."""
    for library in _libraries():
        library.set_threads(count)


@cache
def _libraries() -> tuple[_Library, ...]:
    return tuple(_found())


def _found() -> Iterator[_Library]:
    try:
        maps = _MAPS.read_text(errors="replace")
    except OSError:  # another system: nothing is known of its libraries
        return
    for path in sorted(set(_OPENBLAS.findall(maps))):
        loaded = ctypes.CDLL(path)  # it is loaded already, so this only finds it
        for start, end in _AFFIXES:
            if hasattr(loaded, f"{start}openblas_get_num_threads{end}"):
                get = getattr(loaded, f"{start}openblas_get_num_threads{end}")
                name = getattr(loaded, f"{start}openblas_get_corename{end}")
                name.restype = ctypes.c_char_p
                yield _Library(
                    get, getattr(loaded, f"{start}openblas_set_num_threads{end}"), name
                )
                break
