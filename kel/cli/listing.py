"""Tables of plain text for a terminal of any width.

Laws: a cell that tells one thing from another (an id, an address) is never cut; others may be.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from kel.model.labels import span

GAP = "  "
UNCUT = 400  # columns where the output is no terminal: nothing is cut
LEAST = 16  # of a column that may be cut

Styled = tuple[str, str]  # text, style


def console_of() -> Console:
    """Where tables go: as wide as the terminal, and wide enough for all where there is none."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=UNCUT)


def table(
    head: Sequence[str], rows: Sequence[Sequence[str | Styled]], width: int, cut: Sequence[int]
) -> list[Text]:
    """The rows under their heads; the columns `cut` give way, in this order, where it is narrow."""
    cells = [[c if isinstance(c, tuple) else (c, "") for c in row] for row in rows]
    widths = [
        max(cell_len(head[n]), *(cell_len(row[n][0]) for row in cells)) if cells else 0
        for n in range(len(head))
    ]
    for column in cut:
        surplus = sum(widths) + len(GAP) * (len(widths) - 1) - width
        widths[column] = max(widths[column] - max(surplus, 0), min(widths[column], LEAST))
    lines = [Text(GAP.join(map(set_cell_size, head, widths)).rstrip(), style="dim")]
    for row in cells:
        line = Text()
        for n, (text, style) in enumerate(row):
            shown = (
                text if cell_len(text) <= widths[n] else set_cell_size(text, widths[n] - 1) + "…"
            )
            line.append(set_cell_size(shown, widths[n]), style=style)
            line.append(GAP)
        line.rstrip()
        lines.append(line)
    return lines


def ago(then: datetime | None, now: datetime) -> str:
    if then is None:
        return "ποτέ"
    told = span(now - then)
    return told if told == "τώρα" else f"πριν {told}"


def number(value: float) -> str:
    """As Greeks write it: 1.234 and 3,5."""
    text = f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"
    return text.translate(str.maketrans(",.", ".,")).replace("-", "−")


def counted(count: int, one: str, more: str) -> str:
    """«1 μήνυμα», «2.000 μηνύματα»."""
    return f"{number(count)} {one if count == 1 else more}"


def visible(text: str) -> str:
    """Text of strangers as a terminal may show it: what would move its cursor is written out."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def as_json(rows: Iterable[object]) -> str:
    """One JSON list, times in UTC (ISO 8601)."""
    return json.dumps(list(rows), ensure_ascii=False, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return str(value)
