"""The folder's files, read one by one into checked entries; every mistake is kept, none raised."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from kel.city.csv_file import COLUMNS, ROWS, read_table
from kel.city.json_file import read_json
from kel.city.records import Entries, Found, Record, suggest, validate
from kel.city.toml_file import read_document
from kel.model.mistake import Document, Mistake, MistakesError
from kel.model.mistake import Path as Keys

T = TypeVar("T", bound=BaseModel)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Inner:
    """Columns of a CSV file that are gathered in one `field` of its model: each must be there and
    filled. None: which ones is not known (the file that says so has mistakes), all are let pass."""

    field: str
    columns: frozenset[str] | None

    def gather(self, row: Mapping[str, str]) -> dict[str, str | None]:
        return {column: row.get(column) for column in sorted(self.columns or ())}


class Reader:
    """Reads files of `folder`; `mistakes` grows as it goes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mistakes: list[Mistake] = []

    def single(self, name: str, model: type[T]) -> Found[T] | None:
        """A TOML file that is one entry as a whole."""
        document = self._open(read_document, name)
        if document is None:
            return None
        found, mistakes = validate(model, Record(document.data, document, ()))
        self.mistakes += mistakes
        return found

    def tables(
        self, name: str, key: str, model: type[T], beside: frozenset[str] = frozenset()
    ) -> tuple[Entries[T], Document | None]:
        """The `[[key]]` tables of a TOML file, which holds nothing else but what is `beside`."""
        document = self._open(read_document, name)
        if document is None:
            return Entries(), None
        for other in document.data.keys() - {key} - beside:
            what = "there is no such table" + suggest(other, beside | {key})
            self.mistakes.append(document.mistake((other,), what))
        return self._list(document, key, model, ("id",), f"[[{key}]] tables"), document

    def names(self, document: Document | None, key: str) -> frozenset[str] | None:
        """The keys of the `[key]` table of a file that was read before: a list of known words."""
        if document is None:
            return None
        table = document.data.get(key)
        if isinstance(table, dict):
            return frozenset(table)
        self.mistakes.append(document.mistake((key,), f"should be a [{key}] table"))
        return None

    def features(self, name: str, model: type[T]) -> Entries[T]:
        """The features of a GeoJSON FeatureCollection (RFC 7946)."""
        document = self._open(read_json, name)
        if document is None:
            return Entries()
        if document.data.get("type") != "FeatureCollection":
            self.mistakes.append(document.mistake(("type",), "should be FeatureCollection"))
        return self._list(document, "features", model, ("properties", "id"), "features")

    def rows(self, name: str, model: type[T], inner: Inner | None = None) -> Entries[T]:
        """The rows of a CSV file."""
        opened = self._open(read_table, name)
        if opened is None:
            return Entries()
        document, mistakes = opened
        self.mistakes += mistakes
        absent = self._check_columns(document, model, inner)
        entries: Entries[T] = Entries(readable=not mistakes, whole=not mistakes)
        for i, row in enumerate(document.data[ROWS]):
            raw: dict[str, Any] = {k: v for k, v in row.items() if k in model.model_fields}
            if inner:
                raw[inner.field] = inner.gather(row)
            record = Record(raw, document, (i,), flat=True)
            self._keep(entries, model, record, absent)
        return entries

    def _check_columns(
        self, document: Document, model: type[BaseModel], inner: Inner | None
    ) -> frozenset[str]:
        """Tells unknown and missing columns once, at the header; returns the missing ones."""
        hidden = {inner.field} if inner else set()
        wanted = {n for n, f in model.model_fields.items() if f.is_required()} - hidden
        wanted |= (inner.columns or frozenset()) if inner else frozenset()
        allowed = (model.model_fields.keys() - hidden) | wanted
        header = Record({}, document, (), flat=True)
        columns = set(document.data[COLUMNS])
        for column in columns - allowed if not inner or inner.columns is not None else ():
            what = "there is no such column" + suggest(column, frozenset(allowed - columns))
            self.mistakes.append(header.mistake((column,), what))
        for column in wanted - columns:
            self.mistakes.append(header.mistake((column,), "the column is missing"))
        return frozenset(wanted - columns)

    def _list(
        self,
        document: Document,
        key: str,
        model: type[T],
        id_at: Keys,
        what: str,
    ) -> Entries[T]:
        listed = document.data.get(key)
        if not isinstance(listed, list) or not all(isinstance(raw, dict) for raw in listed):
            self.mistakes.append(document.mistake((key,), f"should be a list of {what}"))
            return Entries()
        entries: Entries[T] = Entries(readable=True, whole=True, id_at=id_at)
        for i, raw in enumerate(listed):
            self._keep(entries, model, Record(raw, document, (key, i)))
        return entries

    def _keep(
        self,
        entries: Entries[T],
        model: type[T],
        record: Record,
        absent: frozenset[str] = frozenset(),
    ) -> None:
        entries.records.append(record)
        found, mistakes = validate(model, record, absent)
        self.mistakes += mistakes
        if found:
            entries.found.append(found)
        entries.whole &= found is not None

    def _open(self, read: Callable[[Path], R], name: str) -> R | None:
        try:
            return read(self.folder / name)
        except MistakesError as error:
            self.mistakes += error.mistakes
            return None
