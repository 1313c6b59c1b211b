"""The rulebook: a city's rules, checked against the city, with one version.

Laws:
- a rulebook is whole or it is not: any mistake refuses it, and all mistakes are told at once;
- its version is the hash of its content: the same rules in another order are the same rulebook.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from kel.model.city import City
from kel.model.mistake import Document, Mistake, MistakesError, Path
from rules.check import check
from rules.entry import Entry, unknown
from rules.kinds import KINDS, RULE
from rules.rule import RuleShape, digest


@dataclass(frozen=True)
class Rulebook:
    """`version`: twelve hex digits of a SHA-256 over the canonical content of all rules."""

    version: str
    rules: tuple[RuleShape, ...]

    @cached_property
    def by_id(self) -> Mapping[str, RuleShape]:
        return {rule.id: rule for rule in self.rules}


def make_rulebook(rules: tuple[RuleShape, ...]) -> Rulebook:
    content = [rule.model_dump(mode="json", by_alias=True) for rule in rules]
    return Rulebook(digest(sorted(content, key=lambda rule: str(rule["id"]))), rules)


def parse_rulebook(document: Document, city: City) -> Rulebook:
    """The rulebook that `document` says, for `city`. Raises `MistakesError` with every mistake."""
    mistakes = [
        document.mistake((name,), unknown("field", name, ["rule"]))
        for name in document.data
        if name != "rule"
    ]
    tables = document.data.get("rule")
    if not isinstance(tables, list) or not tables:
        mistakes.append(document.mistake(("rule",), "there must be at least one [[rule]]"))
        raise MistakesError(mistakes)
    rules: list[RuleShape] = []
    ids: dict[str, Path] = {}
    for index, raw in enumerate(tables):
        path: Path = ("rule", index)
        try:
            rules.append(RULE.validate_python(raw))
        except ValidationError as error:
            mistakes += [_mistake(document, path, e) for e in error.errors()]
        if isinstance(raw, Mapping):
            if isinstance(name := raw.get("id"), str):
                mistakes += _same_id(document, path, name, ids.setdefault(name, path))
            mistakes += check(Entry(document, path, raw), city)
    if mistakes:
        raise MistakesError(mistakes)
    return make_rulebook(tuple(rules))


def _same_id(document: Document, path: Path, name: str, first: Path) -> list[Mistake]:
    if first == path:
        return []
    line = document.line((*first, "id"))
    return [document.mistake((*path, "id"), f"{name!r} is also the id of the rule at line {line}")]


def _mistake(document: Document, path: Path, error: ErrorDetails) -> Mistake:
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
