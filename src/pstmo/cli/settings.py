"""`--preset` and `--set`: every field of a recipe by name."""

import contextlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import tyro

from pstmo.errors import PstmoError
from pstmo.presets import PRESETS, Recipe

_WORDS = {int: "a whole number", float: "a number", bool: "True or False", NoneType: "None"}


def recipe(preset: str, changes: Sequence[str] = ()) -> Recipe:
    """A preset with some fields changed, such as "finetune.lr=1e-4" or "model.strides=3,3,3".

    Raises PstmoError naming the presets or fields there are, or what a field takes.
    """
    if preset not in PRESETS:
        raise PstmoError(f"unknown preset {preset!r}; available: {', '.join(PRESETS)}")
    found = PRESETS[preset]
    for change in changes:
        name, equals, value = change.partition("=")
        if not equals:
            raise PstmoError(f"--set {change}: expected NAME=VALUE, such as finetune.lr=1e-4")
        try:
            found = _with(found, name, value)
        except PstmoError as error:
            raise PstmoError(f"--set {change}: {error}") from None
    return found


def settings(part: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Names and values of all fields."""
    for field in fields(part):
        value = getattr(part, field.name)
        if is_dataclass(value):
            yield from settings(value, f"{before}{field.name}.")
        else:
            yield before + field.name, value


def _with(part: Any, name: str, value: str) -> Any:
    """A dataclass with one field, that may lie in a dataclass within it, read from text."""
    first, _, rest = name.partition(".")
    names = [field.name for field in fields(part)]
    if first not in names or is_dataclass(getattr(part, first)) != bool(rest):
        raise PstmoError(f"no such field; available: {', '.join(there for there, _ in settings(part))}")
    if rest:
        return replace(part, **{first: _with(getattr(part, first), rest, value)})
    return replace(part, **{first: _read(get_type_hints(type(part))[first], value)})


def _read(kind: Any, text: str) -> Any:
    """Text as a value of a type, as the command line reads it; the parts of a tuple stand between commas."""
    try:
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            return tyro.cli(kind, args=text.replace(",", " ").split(), config=(tyro.conf.FlagConversionOff,))
    except SystemExit:
        raise PstmoError(f"expected {_words(kind)}") from None


def _words(kind: Any) -> str:
    """What a field takes."""
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(get_args(kind))
    if get_origin(kind) is tuple:
        return f"{'several' if ... in get_args(kind) else len(get_args(kind))} numbers with commas between them"
    return " or ".join(map(_words, get_args(kind))) if get_origin(kind) is UnionType else _WORDS[kind]
