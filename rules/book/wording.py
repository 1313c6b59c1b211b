"""What is wrong with the shape of a rule or an override, in plain words, at its place."""

from typing import get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from kel.model.mistake import Document, Mistake, Path
from rules.core.entry import unknown
from rules.kinds import KINDS


def of_override(document: Document, path: Path, error: ErrorDetails) -> Mistake:
    """An error in what makes it an override; the rest of it is the rule's."""
    what = "is missing" if error["type"] == "missing" else error["msg"]
    return document.mistake((*path, *error["loc"]), what.removeprefix("Value error, "))


def of_rule(document: Document, path: Path, error: ErrorDetails) -> Mistake:
    """A shape's error in plain words, at the place in the file that it is about."""
    kind, where = error["type"], error["loc"]
    if kind == "union_tag_not_found":
        return document.mistake((*path, "kind"), "is missing")
    if kind == "union_tag_invalid":
        told = str(error["ctx"]["tag"])
        return document.mistake((*path, "kind"), unknown("kind", told, KINDS))
    tag, inner = (where[0], where[1:]) if where else ("", where)
    if kind == "extra_forbidden":
        what = unknown("field", str(inner[-1]), _fields(_shape(str(tag)), inner[:-1]))
    elif kind == "missing":
        what = "is missing"
    elif kind == "string_pattern_mismatch":
        what = f"{error['input']!r} must be of a–z, 0–9, - and _"
    else:
        what = error["msg"].removeprefix("Value error, ")
    return document.mistake((*path, *inner), what)


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
