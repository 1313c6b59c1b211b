"""What is wrong with the shape of a rule or an override, in plain words, at its place."""

from collections.abc import Mapping
from typing import get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from kel.model.mistake import Document, Mistake, Path
from rules.core.entry import unknown
from rules.core.rule import RuleShape
from rules.kinds import KINDS

SHARED = frozenset(f.alias or n for n, f in RuleShape.model_fields.items())  # fields of all rules
_END = {"too_short": "least", "too_long": "most"}
_BOUND = {"le": "at most", "lt": "under", "ge": "at least", "gt": "over"}
_WANTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "dict_type": "a table",
}


def of_override(document: Document, path: Path, error: ErrorDetails) -> Mistake:
    """An error in what makes it an override; the rest of it is the rule's."""
    return document.mistake((*path, *error["loc"]), _plain(error))


def of_rule(document: Document, path: Path, error: ErrorDetails) -> Mistake:
    """A shape's error in plain words, at the place in the file that it is about."""
    kind, where = error["type"], error["loc"]
    if kind == "union_tag_not_found":
        return document.mistake((*path, "kind"), "is missing")
    if kind == "union_tag_invalid":
        told = str(error["ctx"]["tag"])
        return document.mistake((*path, "kind"), unknown("kind", told, KINDS))
    tag, inner = (where[0], where[1:]) if where else ("", where)
    return _of_shape(document, path, error, _shape(str(tag)), inner)


def of_shared(document: Document, path: Path, error: ErrorDetails) -> Mistake:
    """An error in what every rule says, whatever its kind."""
    return _of_shape(document, path, error, RuleShape, error["loc"])


def known_fields() -> frozenset[str]:
    """The fields of the rules of any kind."""
    return frozenset(name for spec in KINDS.values() for name in _fields(spec.shape, ()))


def _of_shape(
    document: Document, path: Path, error: ErrorDetails, shape: type[BaseModel] | None, inner: Path
) -> Mistake:
    what = _plain(error)
    if error["type"] == "extra_forbidden":
        what = unknown("field", str(inner[-1]), _fields(shape, inner[:-1]))
    return document.mistake((*path, *inner), what)


def _plain(error: ErrorDetails) -> str:
    """What is wrong with a value, and which it is."""
    kind, limits, value = error["type"], error.get("ctx", {}), error["input"]
    if kind == "missing":
        return "is missing"
    if kind == "string_pattern_mismatch":
        return f"{value!r} must be of a–z, 0–9, - and _"
    if kind in ("too_short", "too_long"):
        counted = limits.get("min_length", limits.get("max_length"))
        return f"must have at {_END[kind]} {counted}, not {limits['actual_length']}"
    if kind == "string_too_short":
        return "must not be empty"
    if kind == "string_too_long":
        return f"must have at most {limits['max_length']} letters"
    if kind == "literal_error":
        return f"must be {limits['expected']}, not {_value(value)}"
    for name, word in _BOUND.items():
        if name in limits:
            return f"must be {word} {limits[name]:g}, not {_value(value)}"
    if kind in _WANTED:
        return f"must be {_WANTED[kind]}, not {_value(value)}"
    return error["msg"].removeprefix("Value error, ")


def _value(value: object) -> str:
    """As a rulebook writes it, where it is a word or a number; else of which sort it is."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return f'"{value}"' if isinstance(value, str) else f"{value:g}"
    return "a table" if isinstance(value, Mapping) else "a list"


def _shape(kind: str) -> type[BaseModel] | None:
    spec = KINDS.get(kind)
    return spec.shape if spec else None


def _fields(shape: type[BaseModel] | None, inner: Path) -> list[str]:
    """The fields that the table at `inner` of this shape may have."""
    for name in inner:
        fields = shape.model_fields if shape else {}
        field = next((f for n, f in fields.items() if name in (f.alias, n)), None)
        options = (field.annotation, *get_args(field.annotation)) if field else ()
        shape = next((o for o in options if isinstance(o, type) and issubclass(o, BaseModel)), None)
    return [f.alias or n for n, f in shape.model_fields.items()] if shape else []
