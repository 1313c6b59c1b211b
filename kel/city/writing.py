"""Rows of devices written into the city's folder, which stays the truth.

Laws:
- a file keeps its style: comments, order, quoting and line ends of what is not changed stay as they
  stand;
- the whole folder is checked as it would be, in a copy, before anything is replaced; where that has
  a mistake, nothing changes, and it is told with the file, line and field where it would stand;
- a file is replaced whole or not at all, and one writer at a time works on a folder.
"""

import csv
import fcntl
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from kel.city.text_file import failure, read_text
from kel.model.mistake import Mistake, MistakesError

FIRST = ("id", "name", "community", "lat", "lon", "source")  # columns of a new file
TEXT = frozenset(
    {"id", "name", "community", "source", "address", "zone", "feeder", "parent", "state"}
    | {"clock", "tags"}
)  # columns that hold no number
BOM = b"\xef\xbb\xbf"

Row = Mapping[str, str]
Check = Callable[[Path], list[Mistake]]


class FrozenFolderError(OSError):
    """The folder cannot be written; `lines` is what somebody has to write by hand."""

    def __init__(self, path: Path, why: OSError, lines: str) -> None:
        super().__init__(
            f"{path} cannot be written ({why.strerror or why}). Write this into it where the "
            f"folder is kept, then run `kel load`:\n{lines}"
        )
        self.lines = lines


@dataclass(frozen=True, slots=True)
class Piece:
    """Some lines of a CSV file as they stand; `cells` of a record, None of a comment or blank."""

    text: str
    cells: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A CSV file in pieces; the first record is the header."""

    pieces: tuple[Piece, ...]
    end: str  # of a line

    @classmethod
    def of(cls, text: str) -> "Sheet":
        """Raises csv.Error where it is no CSV."""
        lines = _lines(text)
        plain = ["\n" if line.startswith("#") else line for line in lines]
        reader = csv.reader(iter(plain), strict=True)
        pieces = []
        done = 0
        for cells in reader:
            record = any(cell.strip() for cell in cells)
            stripped = tuple(cell.strip() for cell in cells)
            pieces.append(
                Piece("".join(lines[done : reader.line_num]), stripped if record else None)
            )
            done = reader.line_num
        end = "\r\n" if text.count("\r\n") * 2 > text.count("\n") else "\n"
        return cls(tuple(pieces), end)

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)

    @property
    def columns(self) -> tuple[str, ...]:
        return next((p.cells for p in self.pieces if p.cells is not None), ())

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Each row with the line that it begins in, from 1; empty cells are left out."""
        columns, line, seen = self.columns, 1, False
        for piece in self.pieces:
            if piece.cells is not None and seen:
                # one with too few or too many cells is told by the check
                yield line, {c: v for c, v in zip(columns, piece.cells, strict=False) if v}
            seen = seen or piece.cells is not None
            line += len(_lines(piece.text))

    def find(self, id_: str) -> dict[str, str] | None:
        """The row of this id."""
        return next((row for _, row in self.rows() if row.get("id") == id_), None)

    def put(self, rows: Iterable[Row]) -> "Sheet":
        """With these rows: that of the same id changed in the cells that are given, or a new one at
        the end. Columns that the file lacks are added where a value needs them.
        """
        wanted = {row["id"]: row for row in rows}
        given = {column: None for row in wanted.values() for column, value in row.items() if value}
        sheet = self._with_columns([c for c in given if c not in self.columns])
        pieces = []
        for piece in sheet.pieces:
            id_ = dict(zip(sheet.columns, piece.cells or (), strict=False)).get("id", "")
            row = wanted.pop(id_, None) if piece.cells != sheet.columns else None
            pieces.append(sheet._changed(piece, row) if row else piece)
        sheet = replace(sheet, pieces=tuple(pieces))
        cells = [tuple(row.get(c, "") for c in sheet.columns) for row in wanted.values()]
        return sheet._added(cells)

    def _changed(self, piece: Piece, row: Row) -> Piece:
        cells = piece.cells or ()
        wanted = tuple(
            _kept(column, old, row[column]) if column in row else old
            for column, old in zip(self.columns, cells, strict=False)
        )
        return piece if wanted == cells else Piece(_line(wanted) + self.end, wanted)

    def _added(self, rows: Sequence[tuple[str, ...]]) -> "Sheet":
        pieces = list(self.pieces)
        if rows and pieces and not pieces[-1].text.endswith(("\r", "\n")):
            pieces[-1] = replace(pieces[-1], text=pieces[-1].text + self.end)
        pieces += [Piece(_line(cells) + self.end, cells) for cells in rows]
        return replace(self, pieces=tuple(pieces))

    def _with_columns(self, names: Sequence[str]) -> "Sheet":
        if not names:
            return self
        if not self.columns:
            return self._added([tuple(names)])
        pieces = []
        header = True
        for piece in self.pieces:
            if piece.cells is None:
                pieces.append(piece)
                continue
            more = tuple(names) if header else ("",) * len(names)
            body = piece.text.rstrip("\r\n")
            text = body + _line(("", *more)) + piece.text[len(body) :]
            pieces.append(Piece(text, piece.cells + more))
            header = False
        return replace(self, pieces=tuple(pieces))


def file_of(cls: str) -> str:
    """Where the devices of a class stand in the folder."""
    return f"devices/{cls}.csv"


def read_sheets(folder: Path) -> dict[str, Sheet]:
    """The folder's device files by class. Raises MistakesError where one cannot be read."""
    sheets = {}
    for path in sorted((folder / "devices").glob("*.csv")):
        try:
            sheets[path.stem] = Sheet.of(read_text(path))
        except csv.Error as error:
            raise failure(path, 0, "syntax", f"not CSV: {error}") from None
    return sheets


def put_rows(
    sheets: Mapping[str, Sheet], cls: str, rows: Sequence[Row], attributes: Iterable[str] = ()
) -> dict[str, Sheet]:
    """The sheets with these devices of a class; a class without a file gets one."""
    new = Sheet.of(_line((*FIRST, *attributes)) + "\n")
    for row in rows:
        _one_line(row)
    return {**sheets, cls: sheets.get(cls, new).put(rows)}


def write_sheets(folder: Path, sheets: Mapping[str, Sheet], check: Check) -> list[Path]:
    """Replace the files that differ; returns them. Call it while `alone`.

    Raises MistakesError where the folder would have a mistake, FrozenFolderError where it cannot be
    written; then it is as it was.
    """
    changed = {
        cls: sheet
        for cls, sheet in sheets.items()
        if not (path := folder / file_of(cls)).exists() or read_text(path) != sheet.text
    }
    if not changed:
        return []
    _check_as_it_would_be(folder, changed, check)
    parts: list[tuple[Path, Path]] = []
    path = folder
    try:
        for cls, sheet in changed.items():
            path = folder / file_of(cls)
            parts.append((_write_part(path, sheet.text), path))
    except OSError as error:
        for part, _ in parts:
            part.unlink(missing_ok=True)
        lines = "".join(_difference(folder / file_of(c), s) for c, s in changed.items())
        raise FrozenFolderError(path, error, lines.rstrip("\n")) from error
    for part, path in parts:
        part.replace(path)
    return [path for _, path in parts]


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One writer at a time; the next one waits. Leaves nothing behind, also in a frozen folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _check_as_it_would_be(folder: Path, changed: Mapping[str, Sheet], check: Check) -> None:
    with TemporaryDirectory(prefix="kel-city-") as name:
        copy = Path(name) / "city"
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(".*"))
        (copy / "devices").mkdir(exist_ok=True)
        for cls, sheet in changed.items():
            target = copy / file_of(cls)
            target.unlink(missing_ok=True)  # also where it may only be read
            target.write_text(sheet.text, "utf-8", newline="")
        here, there = copy.as_posix(), folder.as_posix()
        mistakes = [
            replace(m, file=there + m.file.removeprefix(here)) if m.file.startswith(here) else m
            for m in check(copy)
        ]
    if mistakes:
        raise MistakesError(mistakes)


def _write_part(path: Path, text: str) -> Path:
    """The new file beside the old one, on disk, with its mode and byte order mark."""
    path.parent.mkdir(exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    mark = b""
    with suppress(FileNotFoundError), path.open("rb") as old:
        mark = BOM if old.read(3) == BOM else b""
    try:
        with part.open("wb") as out:
            out.write(mark + text.encode())
            out.flush()
            os.fsync(out.fileno())
        if path.exists():
            shutil.copymode(path, part)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    return part


def _difference(path: Path, sheet: Sheet) -> str:
    """The lines that are new, the header first where it is one of them or the file is."""
    old = Sheet.of(read_text(path)) if path.exists() else Sheet((), "\n")
    before = {piece.text for piece in old.pieces}
    return "".join(p.text for p in sheet.pieces if p.cells is not None and p.text not in before)


def _kept(column: str, old: str, new: str) -> str:
    """The old way of writing where it is the same number: 38.10 for 38.1."""
    with suppress(ValueError):
        if column not in TEXT and old and new and float(old) == float(new):
            return old
    return new


def _lines(text: str) -> list[str]:
    """As the reader of the folder counts them."""
    return list(StringIO(text, newline=""))


def _one_line(row: Row) -> None:
    for column, value in row.items():
        if any(c in "\r\n\0" for c in value):
            raise ValueError(f"{column}: a cell is one line of text")


def _line(cells: Iterable[str]) -> str:
    out = StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()
