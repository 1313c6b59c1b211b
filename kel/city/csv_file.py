"""CSV files: rows as dicts of text, each with its line.

Comma-separated, the first line names the columns, a line that starts with `#` is a comment, blank
lines do not count, cells are stripped, an empty cell means "not given" (its key is left out).
"""

import csv
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

from kel.city.text_file import failure, read_text
from kel.model.mistake import Document, Mistake
from kel.model.mistake import Path as Keys

COLUMNS = "columns"
ROWS = "rows"


def read_table(path: Path) -> tuple[Document, list[Mistake]]:
    """`{"columns": [name, …], "rows": [{column: cell}, …]}`, and each row's line by its index.

    The mistakes are rows that have more or fewer cells than there are columns; they are left out.
    Raises `MistakesError` where nothing can be read: missing file, encoding, quoting, header.
    """
    numbered = _rows(path, read_text(path))
    line, header = next(numbered, (1, []))
    _check_header(path, line, header)
    rows: list[dict[str, str]] = []
    lines: dict[Keys, int] = {(): line}
    mistakes: list[Mistake] = []
    for line, cells in numbered:
        if len(cells) != len(header):
            what = f"the row has {len(cells)} cells, the header {len(header)} columns"
            mistakes.append(Mistake(path.as_posix(), line, "row", what))
            continue
        lines[(len(rows),)] = line
        rows.append({name: cell for name, cell in zip(header, cells, strict=True) if cell})
    return Document(path.as_posix(), {COLUMNS: header, ROWS: rows}, lines), mistakes


def _rows(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Each row's first line and its cells. A comment becomes an empty line, so that lines count."""
    plain = ("\n" if line.startswith("#") else line for line in StringIO(text, newline=""))
    reader = csv.reader(plain, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise failure(path, line, "syntax", f"not CSV: {error}") from None
        if any(cell.strip() for cell in cells):
            yield line, [cell.strip() for cell in cells]


def _check_header(path: Path, line: int, header: list[str]) -> None:
    if not header:
        raise failure(path, line, "header", "the file has no header line")
    if len(header) == 1 and ";" in header[0]:
        raise failure(
            path, line, "header", "columns are separated by commas here, not by semicolons"
        )
    names = [name for name in header if name]
    if len(names) != len(header):
        raise failure(path, line, "header", "a column has no name")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise failure(path, line, "header", f"the column {repeated[0]} stands there twice")
