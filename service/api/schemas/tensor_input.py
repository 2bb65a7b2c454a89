"""Tensors as a request gives them: a number, nested arrays of numbers, or a `Tensor`."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import chain
from math import prod
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema
from typing_extensions import TypeAliasType

from service.api.schemas.tensors import Tensor
from service.calculus.dimensions import shown as shown_shape
from service.language.places import describe, shown
from service.settings import Limits

Array = NDArray[np.float64]
FIELDS = ("shape", "dtype", "data")
NESTED_LEVELS_IN_SCHEMA = 4
NUMBERS = frozenset({int, float})
LONGEST_AXIS = 2**63 - 1  # what an array's index can count


def fault(
    message: str, *, pointer: str = "", code: str = "validation", hint: str | None = None
) -> PydanticCustomError:
    """An error Pydantic adds the place to; `pointer` goes on from there."""
    context = {"message": message, "pointer": pointer, "code": code, "hint": hint}
    return PydanticCustomError("gradserve", "{message}", context)


def read_tensor(value: object, max_dimensions: int) -> Array:
    """The array a request gives, of its own shape.

    Raises:
        PydanticCustomError: it is no tensor; one error, with the first place that is wrong.
    """
    if isinstance(value, np.ndarray):
        return _checked_array(value, max_dimensions)
    if type(value) in NUMBERS:
        return _converted([value], (), "")
    if isinstance(value, list):
        return _read_nested(value, max_dimensions)
    if isinstance(value, dict):
        return _read_object(value, max_dimensions)
    raise fault(
        f"found {describe(value)}, expected a number, nested arrays of numbers, or an object "
        "with shape and data"
    )


def _checked_array(array: Array, max_dimensions: int) -> Array:
    """An array that came as one, in a binary body."""
    if array.ndim > max_dimensions:
        raise fault(
            f"found {array.ndim} axes, but the limit max_dimensions is {max_dimensions}",
            code="over_limit",
        )
    if 0 in array.shape:
        raise fault(
            f"found an axis of size 0 in shape ({shown_shape(array.shape)}), expected numbers "
            "along it"
        )
    return _checked_finite(array.reshape(-1), "").reshape(array.shape)


def _read_nested(value: list[Any], max_dimensions: int) -> Array:
    items: Sequence[Any] = value
    shape = [len(value)]
    while True:
        if not items:
            raise fault(
                f"found an axis of size 0 in shape ({shown_shape(shape)}), expected "
                "numbers along it"
            )
        found = set(map(type, items))
        if found <= NUMBERS:
            return _converted(items, tuple(shape), "")
        if found != {list}:
            raise _not_alike(items, shape)
        if len(shape) == max_dimensions:
            raise fault(
                f"found arrays nested deeper than {max_dimensions} levels, the limit "
                "max_dimensions",
                code="over_limit",
            )
        sizes = list(map(len, items))
        if sizes.count(sizes[0]) != len(sizes):
            place, size = next((i, n) for i, n in enumerate(sizes) if n != sizes[0])
            raise fault(
                f"found an array of length {size}, expected {sizes[0]}",
                pointer=_place(place, shape),
            )
        shape.append(sizes[0])
        items = list(chain.from_iterable(items))


def _not_alike(items: Sequence[Any], shape: Sequence[int]) -> PydanticCustomError:
    """The error of the first item that differs in kind from what it should be."""
    wants_arrays = isinstance(items[0], list)
    expected = f"an array of length {len(items[0])}" if wants_arrays else "a number"
    place, item = next(
        (i, item)
        for i, item in enumerate(items)
        if (type(item) is not list if wants_arrays else type(item) not in NUMBERS)
    )
    return fault(f"found {describe(item)}, expected {expected}", pointer=_place(place, shape))


def _read_object(value: Mapping[str, Any], max_dimensions: int) -> Array:
    for name in value:
        if name not in FIELDS:
            raise fault(
                f"found the unknown field {shown(name)}, expected shape, dtype, data",
                pointer="/" + name[:64].replace("~", "~0").replace("/", "~1"),
            )
    for name in ("shape", "data"):
        if name not in value:
            raise fault(
                f"found no field {name!r}, expected shape and data, and dtype if wanted"
            )
    shape, data = _read_shape(value["shape"], max_dimensions), value["data"]
    dtype = value.get("dtype", "float64")
    if dtype not in ("float64", "float32"):
        found = shown(dtype) if isinstance(dtype, str) else describe(dtype)
        raise fault(f"found {found}, expected 'float64' or 'float32'", pointer="/dtype")
    if not isinstance(data, list):
        raise fault(f"found {describe(data)}, expected an array of numbers", pointer="/data")
    if prod(shape) != len(data):
        raise fault(
            f"found {len(data)} numbers, expected {_clipped(prod(shape))} for shape "
            f"({shown_shape(shape)})",
            pointer="/data",
        )
    if not set(map(type, data)) <= NUMBERS:
        place, item = next((i, x) for i, x in enumerate(data) if type(x) not in NUMBERS)
        raise fault(f"found {describe(item)}, expected a number", pointer=f"/data/{place}")
    array = _converted(data, tuple(shape), "/data")
    if dtype == "float64":
        return array
    return _rounded_to_float32(array)


def _read_shape(shape: object, max_dimensions: int) -> list[int]:
    if not isinstance(shape, list):
        raise fault(
            f"found {describe(shape)}, expected an array of whole numbers", pointer="/shape"
        )
    if len(shape) > max_dimensions:
        raise fault(
            f"found {len(shape)} axes, but the limit max_dimensions is {max_dimensions}",
            pointer="/shape",
            code="over_limit",
        )
    for place, size in enumerate(shape):
        if type(size) is not int or size < 1:
            raise fault(
                f"found {describe(size)}, expected a whole number of at least 1, the size of "
                "an axis",
                pointer=f"/shape/{place}",
            )
        if size > LONGEST_AXIS:
            raise fault(
                f"found {_clipped(size)}, which is too large: the size of an axis is at most "
                f"{LONGEST_AXIS}",
                pointer=f"/shape/{place}",
            )
    return shape


def _converted(items: Sequence[Any], shape: tuple[int, ...], pointer: str) -> Array:
    try:
        array = np.array(items, dtype=np.float64)
    except OverflowError:
        raise fault(
            "found a number beyond the range of float64",
            pointer=pointer,
            code="nonfinite_input",
        ) from None
    return _checked_finite(array, pointer).reshape(shape)


def _rounded_to_float32(array: Array) -> Array:
    with np.errstate(over="ignore"):
        rounded = array.astype(np.float32).astype(np.float64)
    return _checked_finite(rounded.reshape(-1), "/data").reshape(array.shape)


def _checked_finite(flat: Array, pointer: str) -> Array:
    finite = np.isfinite(flat)
    if not finite.all():
        place = int(np.argmin(finite))
        raise fault(
            f"found the value {float(flat[place])} at position {place}, expected a finite one",
            pointer=pointer,
            code="nonfinite_input",
        )
    return flat


def _place(flat: int, shape: Sequence[int]) -> str:
    """The JSON pointer of item number `flat` of nested arrays of this shape."""
    parts: list[str] = []
    for size in reversed(shape):
        flat, last = divmod(flat, size)
        parts.append(str(last))
    return "".join(f"/{part}" for part in reversed(parts))


def _clipped(number: int) -> str:
    return str(number) if number < 10**20 else f"about {Decimal(number):.3g}"


class _TensorInputSchema:
    """What Pydantic validates and documents `TensorInput` with."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        nested: CoreSchema = core_schema.float_schema()
        kinds = [nested]
        for _ in range(NESTED_LEVELS_IN_SCHEMA):
            nested = core_schema.list_schema(nested)
            kinds.append(nested)
        kinds.append(handler.generate_schema(Tensor))
        return core_schema.with_info_plain_validator_function(
            _validate, json_schema_input_schema=core_schema.union_schema([*kinds])
        )


def _validate(value: object, info: core_schema.ValidationInfo) -> Array:
    limits = info.context if isinstance(info.context, Limits) else Limits()
    return read_tensor(value, limits.max_dimensions)


TensorInput = TypeAliasType(
    "TensorInput",
    Annotated[
        Array,
        _TensorInputSchema(),
        Field(
            description=(
                "A tensor in a request: a number, nested arrays of numbers (row lengths must "
                "agree; accepted to 8 levels), or an object with `shape` and flat row-major "
                "`data`. Whole numbers are accepted; strings, booleans and null are not."
            ),
            examples=[2.5, [1, 2, 3], [[1, 2], [3, 4]]],
        ),
    ],
)
