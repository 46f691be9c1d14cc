"""Pickles read without running anything.

A pickle is a program: it calls whatever it names. Here it can name only what NumPy writes down for its arrays, and gets
stand-ins for it that collect what they are told; the arrays are made afterwards, from checked parts.
"""

import math
import pickle
import re
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from pstmo.errors import FormatError
from pstmo.files.content import describe

_EXPECTED = "expected arrays and plain containers"


def unpickled(file: Any) -> Any:
    """What the pickle holds that is next in a binary file: arrays, numbers, text and plain containers of them.

    Arrays are read-only. Raises FormatError for anything else, and whatever `pickle` raises for one that is not whole.
    """
    return _finished(_Unpickler(file).load(), {})


class _Unpickler(pickle._Unpickler):
    """Python's own, because the one in C sets aside as much memory as a few bytes of a hostile file ask for."""

    def find_class(self, module: str, name: str) -> "_Maker":
        if f"{module}.{name}" not in _MAKERS:
            raise FormatError(f"holds a pickle that wants {f'{module}.{name}'!r}, which was not run; {_EXPECTED}")
        return _MAKERS[f"{module}.{name}"]


def _bytearray(machine: Any) -> None:
    (size,) = struct.unpack("<Q", machine.read(8))
    machine.append(bytearray(machine.read(size)))  # read first: there may be less


def _dict(machine: Any) -> None:
    items = machine.pop_mark()
    machine.append(_mapping(items))


def _item(machine: Any) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    machine.stack[-1].update(_mapping([key, value]))


def _items(machine: Any) -> None:
    items = machine.pop_mark()
    machine.stack[-1].update(_mapping(items))


def _mapping(items: list[Any]) -> dict[Any, Any]:
    """Keys and values in turn. A key that holds others could take for ever to hash."""
    strange = [key for key in items[::2] if not isinstance(key, str | bytes | int | float | None)]
    if strange:
        raise FormatError(f"holds a mapping with a key of type {type(strange[0]).__name__}, expected names and numbers")
    return dict(zip(items[::2], items[1::2], strict=True))


_SETS = {opcode[0] for opcode in (pickle.EMPTY_SET, pickle.ADDITEMS, pickle.FROZENSET)}
"""Not read: their members are hashed, however deep they go."""

_Unpickler.dispatch = {code: load for code, load in pickle._Unpickler.dispatch.items() if code not in _SETS} | {
    pickle.BYTEARRAY8[0]: _bytearray,
    pickle.DICT[0]: _dict,
    pickle.SETITEM[0]: _item,
    pickle.SETITEMS[0]: _items,
}


class _StandIn:
    """What a pickle gets hold of. It cannot be changed, but for what a subclass takes as its state."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]  # so that no set or key holds one

    def __setstate__(self, state: object) -> None:
        raise FormatError(f"holds a pickle that changes what NumPy's arrays are made with; {_EXPECTED}")


class _Maker(_StandIn):
    """A function by the name of one of NumPy's."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[..., object]):
        self.make = make

    def __call__(self, *parts: object) -> object:
        return self.make(*parts)


class _Dtype(_StandIn):
    """A type of numbers or text: its code ("f4"), and its byte order, which comes as its state."""

    __slots__ = ("code", "order")

    def __init__(self, code: object, *_: object):
        if not isinstance(code, str) or not re.fullmatch(r"[biufc][0-9]{1,2}|[SU][0-9]{1,6}|O[48]?", code):
            raise FormatError(f"holds a pickle with values of type {describe(code)}; {_EXPECTED}")
        self.code, self.order = code, "="

    def __setstate__(self, state: Any) -> None:
        self.order = state[1]
        if self.order not in ("<", ">", "=", "|"):
            raise FormatError(f"holds a pickle with values in byte order {describe(self.order)}; {_EXPECTED}")

    @property
    def dtype(self) -> np.dtype:
        return np.dtype("O" if self.code.startswith("O") else self.order + self.code)


class _Array(_StandIn):
    """An array in the making. Its parts come as its state."""

    __slots__ = ("axes", "dtype", "order", "shape", "values")

    def __init__(self) -> None:
        self.shape, self.dtype, self.axes = (0,), _Dtype("b1"), None
        self.values: Any = b""
        self.order: Any = "C"

    def __setstate__(self, state: Any) -> None:
        _, self.shape, self.dtype, fortran, self.values = state
        self.order = "F" if fortran else "C"

    def numbers(self) -> np.ndarray:
        """The array, which shares its memory with the bytes that were read."""
        dtype = self.dtype.dtype
        found = len(self.values) if isinstance(self.values, bytes | bytearray) else -1
        if dtype.hasobject or found != math.prod(self.shape) * dtype.itemsize:
            what = f"{found} bytes" if found >= 0 else describe(self.values)
            raise FormatError(f"holds {what} in place of values of type {dtype} and shape {describe(self.shape)}")
        array = np.ndarray(self.shape, dtype, self.values, order=self.order)
        array.flags.writeable = False
        return array if self.axes is None else array.transpose(self.axes)

    def objects(self, values: list[Any]) -> np.ndarray:
        """The array of these objects, which come row by row whatever the order was in memory."""
        return np.fromiter(values, object, len(values)).reshape(self.shape)


def _finished(value: Any, done: dict[int, Any]) -> Any:
    """The value with arrays in place of stand-ins. done: what was made of containers and arrays, by their `id`."""
    if id(value) in done:
        return done[id(value)]
    match value:
        case dict():
            result = {key: _finished(part, done) for key, part in value.items()}
        case list() | tuple():
            result = type(value)([_finished(part, done) for part in value])
        case _Array(dtype=_Dtype(code="O" | "O4" | "O8")):
            result = value.objects([_finished(part, done) for part in value.values])
        case _Array():
            result = value.numbers()
        case _StandIn():
            raise FormatError(f"holds a pickle with a function or a type in it; {_EXPECTED}")
        case _:
            return value
    done[id(value)] = result
    return result


def _empty(*_: object) -> _Array:
    return _Array()


def _scalar(dtype: Any, value: Any) -> Any:
    array = _Array()
    array.__setstate__((1, (), dtype, False, value))
    return array.numbers()[()]


def _frombuffer(values: object, dtype: object, shape: Any, order: object, axes: Any = None) -> _Array:
    """Protocol 5's. With order "K" the values lie in the order of other axes, which then change places."""
    array = _Array()
    array.__setstate__((1, shape, dtype, order == "F", values))
    array.axes = axes
    return array


def _encode(text: Any, codec: object = "") -> bytes:
    """Bytes, as protocols before 3 write them."""
    if codec != "latin1":
        raise FormatError(f"holds a pickle that wants to encode as {describe(codec)}, expected 'latin1'")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    return b""


_MAKERS = {
    "numpy.ndarray": _Maker(_empty),
    "numpy.dtype": _Maker(_Dtype),
    "_codecs.encode": _Maker(_encode),
    "__builtin__.bytes": _Maker(_no_bytes),
    **{f"numpy.{core}.multiarray._reconstruct": _Maker(_empty) for core in ("core", "_core")},
    **{f"numpy.{core}.multiarray.scalar": _Maker(_scalar) for core in ("core", "_core")},
    **{f"numpy.{core}.numeric._frombuffer": _Maker(_frombuffer) for core in ("core", "_core")},
}
"""All that a pickle may name."""
