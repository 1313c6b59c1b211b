"""Many devices as one file for other programs: CSV, or GeoJSON (RFC 7946).

Laws:
- the columns are those of `devices/<class>.csv`, and `class` where a file holds several classes;
- in GeoJSON a device is a Feature whose Point is its place and whose properties are its columns;
- what was exported can be imported, and changes nothing.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from kel.city.csv_file import COLUMNS, ROWS, read_table
from kel.city.json_file import read_json
from kel.city.writing import FIRST, TEXT, Sheet, file_of
from kel.model.mistake import Document, Mistake, MistakesError

CLASS = "class"
PLACE = ("lat", "lon")

Listed = tuple[str, dict[str, str]]  # class, row


@dataclass(frozen=True, slots=True)
class Incoming:
    """A device out of a file, with the line where it stands."""

    cls: str
    row: Mapping[str, str]
    line: int


def read_devices(path: Path, cls: str | None) -> list[Incoming]:
    """The devices of a `.csv` or `.geojson` file, of the class `cls` where no row names its own.

    Raises MistakesError with all that is wrong with the file in itself, each with its line.
    """
    if path.suffix.lower() == ".csv":
        document, mistakes = read_table(path)
        found = [(row, document.line((n,))) for n, row in enumerate(document.data[ROWS])]
        if not document.data[COLUMNS]:
            mistakes.append(document.mistake(("header",), "the file names no columns"))
    elif path.suffix.lower() in (".geojson", ".json"):
        document = read_json(path)
        mistakes = []
        found = list(_features(document, mistakes))
    else:
        raise ValueError(f"{path}: what is imported is a .csv or a .geojson file")
    incoming = []
    for row, line in found:
        own = row.pop(CLASS, cls)
        if own is None:
            mistakes.append(Mistake(document.file, line, CLASS, "is missing: give --class"))
        elif not row.get("id"):
            mistakes.append(Mistake(document.file, line, "id", "is missing"))
        else:
            incoming.append(Incoming(own, row, line))
    mistakes += _twice(document.file, incoming)
    if mistakes:
        raise MistakesError(mistakes)
    return incoming


def told_of(
    mistakes: Iterable[Mistake],
    folder: Path,
    path: Path,
    rows: Sequence[Incoming],
    sheets: Mapping[str, Sheet],
) -> list[Mistake]:
    """Mistakes of the city's files as they would be (`sheets`), told of the imported file where its
    rows or columns have made them."""
    lines = {(i.cls, i.row["id"]): i.line for i in rows}
    named = {column for i in rows for column in i.row}
    here: dict[tuple[str, int], int] = {}
    first: dict[str, int] = {}
    for cls, sheet in sheets.items():
        file = (folder / file_of(cls)).as_posix()
        for line, row in sheet.rows():
            first.setdefault(file, line)
            if (cls, row.get("id", "")) in lines:
                here[file, line] = lines[cls, row["id"]]
    told = []
    for m in mistakes:
        of_column = m.field in named and 0 < m.line < first.get(m.file, 0)
        at = 1 if of_column else here.get((m.file, m.line))
        told.append(m if at is None else Mistake(path.as_posix(), at, m.field, m.what))
    return told


def devices_of(sheets: Mapping[str, Sheet], cls: str | None = None) -> list[Listed]:
    """The rows of the folder's device files, each with its class."""
    return [
        (name, row)
        for name, sheet in sheets.items()
        if cls in (None, name)
        for _, row in sheet.rows()
    ]


def as_csv(devices: Sequence[Listed]) -> str:
    """One table of all classes; cells that a device does not have are empty."""
    columns = _columns(row for _, row in devices)
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([CLASS, *columns])
    writer.writerows([cls, *(row.get(c, "") for c in columns)] for cls, row in devices)
    return out.getvalue()


def as_geojson(devices: Sequence[Listed]) -> str:
    """A FeatureCollection, a device a line."""
    features = ",\n".join(json.dumps(_feature(*d), ensure_ascii=False) for d in devices)
    return f'{{"type": "FeatureCollection", "features": [\n{features}\n]}}\n'


def _feature(cls: str, row: Mapping[str, str]) -> dict[str, object]:
    properties = {
        column: value if column in TEXT else _number(value)
        for column, value in row.items()
        if column not in PLACE
    }
    return {
        "type": "Feature",
        "id": row["id"],
        "geometry": {
            "type": "Point",
            "coordinates": [_number(row["lon"]), _number(row["lat"])],
        },
        "properties": {CLASS: cls, **properties},
    }


def _features(document: Document, mistakes: list[Mistake]) -> Iterator[tuple[dict[str, str], int]]:
    features = document.data.get("features")
    if document.data.get("type") != "FeatureCollection" or not isinstance(features, list):
        mistakes.append(document.mistake(("type",), "should be FeatureCollection"))
        return
    for n, feature in enumerate(features):
        at = ("features", n)
        try:
            geometry, properties = feature["geometry"], feature["properties"]
            lon, lat, *_ = geometry["coordinates"]
            place = {"lat": _text(lat), "lon": _text(lon)}
            if geometry["type"] != "Point":
                mistakes.append(document.mistake((*at, "geometry"), "should be a Point"))
                continue
            row = {k: _text(v) for k, v in properties.items() if v is not None}
        except (TypeError, KeyError, ValueError, AttributeError):
            what = "should be a Feature with a Point and properties that are text or numbers"
            mistakes.append(document.mistake(at, what))
            continue
        yield {**row, **place}, document.line(at)


def _twice(file: str, rows: Iterable[Incoming]) -> Iterator[Mistake]:
    first: dict[str, int] = {}
    for incoming in rows:
        id_ = incoming.row["id"]
        line = first.setdefault(id_, incoming.line)
        if line != incoming.line:
            yield Mistake(file, incoming.line, "id", f"{id_} is already in line {line}")


def _columns(rows: Iterable[Mapping[str, str]]) -> list[str]:
    seen = dict.fromkeys(column for row in rows for column in row)
    return [*(c for c in FIRST if c in seen), *(c for c in seen if c not in FIRST)]


def _number(text: str) -> float | int | str:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError(f"{value!r} is neither text nor number")
    return str(value).strip()
