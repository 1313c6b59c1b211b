"""Records: the parts of a file that are checked one by one, and what came of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from kel.model.mistake import Document, Mistake, Path, nearest

FEW = 8

T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Record:
    """A table, row or feature as it stands in its file, before it is checked.

    A CSV row's fields are told by their column (`flat`), others by their path in the file.
    """

    raw: Mapping[str, Any]
    document: Document
    at: Path
    flat: bool = False

    def mistake(self, field: Path, what: str) -> Mistake:
        path = (*self.at, *field)
        found = self.document.mistake(path, what)
        column = str(field[-1]) if self.flat and field else ""
        return replace(found, field=column, told=column) if column else found


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """An entry that is right in itself, and where it stands."""

    entry: T
    record: Record


@dataclass(slots=True)
class Entries(Generic[T]):
    """All entries of one word.

    `records` are all that stand in the file, `found` those that are right in themselves; `whole`
    says that these are the same. `id_at` is where a record's id stands.
    """

    records: list[Record] = field(default_factory=list)
    found: list[Found[T]] = field(default_factory=list)
    readable: bool = False
    whole: bool = False
    id_at: Path = ("id",)

    @property
    def entries(self) -> list[T]:
        return [f.entry for f in self.found]

    def ids(self) -> Iterator[tuple[Record, str]]:
        """The records that have an id, with it."""
        for record in self.records:
            value: Any = record.raw
            for key in self.id_at:
                value = value.get(key) if isinstance(value, Mapping) else None
            if isinstance(value, str):
                yield record, value

    @property
    def known(self) -> frozenset[str] | None:
        """The ids in the file, also of records with mistakes, so that a reference to one of these
        is not a second mistake; None where the file could not be read in full."""
        return frozenset(id_ for _, id_ in self.ids()) if self.readable else None


def validate(
    model: type[T], record: Record, absent: frozenset[str] = frozenset()
) -> tuple[Found[T] | None, list[Mistake]]:
    """The entry, or its mistakes; fields that are `absent` from the whole file were told before."""
    try:
        return Found(model.model_validate(record.raw), record), []
    except ValidationError as error:
        details = _causes(error.errors(include_url=False))
    return None, [
        record.mistake(_place(d), _what(d, model))
        for d in details
        if not (_is_missing(d) and str(d["loc"][-1]) in absent)
    ]


def _causes(details: list[ErrorDetails]) -> list[ErrorDetails]:
    """Without the lists that are short only since an entry in them has a mistake of its own."""
    around = {d["loc"][:end] for d in details for end in range(len(d["loc"]))}
    return [d for d in details if d["type"] != "too_short" or d["loc"] not in around]


@lru_cache(maxsize=1024)
def suggest(word: str, known: frozenset[str]) -> str:
    """What may have been meant: the nearest known word, or all of them where they are few."""
    near = nearest(word, known)
    if near is not None:
        return f"; did you mean {near}?"
    return f"; known: {', '.join(sorted(known))}" if 0 < len(known) <= FEW else ""


def _is_missing(detail: ErrorDetails) -> bool:
    """No such key, or None where a column is empty: neither TOML nor CSV writes a None."""
    return detail["type"] == "missing" or detail["input"] is None


def _place(detail: ErrorDetails) -> Path:
    """pydantic names the key of a mapping as "[key]": that is no step of the file's path."""
    return tuple(step for step in detail["loc"] if step != "[key]")


def _what(detail: ErrorDetails, model: type[BaseModel]) -> str:
    if detail["type"] == "extra_forbidden":
        return "there is no such field" + suggest(str(detail["loc"][-1]), _names(model))
    if _is_missing(detail):
        return "is missing"
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    what = detail["msg"][0].lower() + detail["msg"][1:]
    given = detail["input"]
    return f"{what}, not {given!r}" if isinstance(given, str | int | float) else what


def _names(model: type[BaseModel]) -> frozenset[str]:
    """The fields of the model and of those inside it."""
    schema = model.model_json_schema()
    parts = (schema, *schema.get("$defs", {}).values())
    return frozenset(name for part in parts for name in part.get("properties", {}))
