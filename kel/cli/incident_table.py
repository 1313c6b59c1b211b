"""Incidents as a table for a terminal of any width. Pure.

Laws:
- numbers of incidents and orders are never cut, titles may be;
- the words are those of all screens (`kel.model.labels`), the crews' names the city's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from kel.model.alert import Severity
from kel.model.incident import IncidentState
from kel.model.labels import ORDER_LABEL, SEVERITY_LABEL, state_label
from kel.model.order import OrderState

SEVERITY_COLOUR = ("dim", "cyan", "yellow", "dark_orange", "bold red")
HEAD = ("Αρ.", "Σοβαρότητα", "Κατάσταση", "Άνοιξε")
TITLE_HEAD, LAST_HEAD = "Τίτλος", "Εντολή"
GAP = "  "
UNCUT = 400  # columns where the output is no terminal: nothing is cut
LEAST_TITLE = 20
LEAST_BESIDE = 40  # of a title with its order beside it


@dataclass(frozen=True, slots=True)
class Line:
    """An incident of the list, with the order that stands for it."""

    number: str
    severity: str
    state: str
    community: str
    title: str
    opened_at: datetime
    acknowledged_at: datetime | None
    alerts: int
    requests: int
    order: str | None
    crew: str | None
    crew_name: str | None
    order_state: str | None
    reopened_at: datetime | None = None
    handed_to: str | None = None
    assigned: str | None = None

    @classmethod
    def of_row(cls, row: Sequence[Any], crews: Mapping[str, str]) -> "Line":
        """Of a row of the statement `list_incidents`; `crews` maps a crew's id to its name."""
        number, severity, state, community, title, opened, acknowledged, alerts, requests = row[:9]
        o, *more = row[9:]
        order, crew, order_state = o.split(" ", 2) if o else (None, None, None)
        return cls(
            number,
            Severity(severity).name.lower(),
            state,
            community,
            title,
            opened,
            acknowledged,
            alerts,
            requests,
            order,
            crew,
            crews.get(crew, crew) if crew else None,
            order_state,
            *more,
        )

    def as_json(self) -> dict[str, object]:
        """Ids and ISO 8601 times in UTC, as other programs want them."""
        return {
            key: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
            for key, value in asdict(self).items()
        }


def table(lines: Sequence[Line], width: int, zone: str) -> list[Text]:
    """The lines of the table for so many columns; times in the city's time zone.

    Where they do not fit side by side, an incident's order stands below it.
    """
    cells = [_cells(line, zone) for line in lines]
    widths = [max(map(cell_len, column)) for column in zip(HEAD, *cells, strict=True)]
    left = sum(w + len(GAP) for w in widths)
    orders = max([cell_len(LAST_HEAD), *(cell_len(_order(line)) for line in lines)])
    beside = width >= left + LEAST_BESIDE + len(GAP) + orders
    room = max(LEAST_TITLE, width - left - (orders + len(GAP)) * beside)
    titles = [f"{line.title} ({line.alerts}+{line.requests})" for line in lines]
    room = min(room, max(map(cell_len, [*titles, TITLE_HEAD])))

    made = [Text(f"Συμβάντα ({len(lines)})", style="bold")]
    if not lines:
        return made
    head = [*map(set_cell_size, HEAD, widths), set_cell_size(TITLE_HEAD, room)]
    made.append(Text(GAP.join([*head, LAST_HEAD] if beside else head).rstrip(), style="dim"))
    for line, cell, title in zip(lines, cells, titles, strict=True):
        number, severity, *others = map(set_cell_size, cell, widths)
        row = Text(number + GAP)
        row.append(severity, style=SEVERITY_COLOUR[Severity[line.severity.upper()]])
        row.append(GAP + GAP.join([*others, _cut(title, room)]))
        told = _order(line)
        if beside and told:
            row.append(" " * (left + room + len(GAP) - row.cell_len) + told, style="dim")
        made.append(row)
        if told and not beside:
            made.append(Text(" " * (widths[0] + len(GAP)) + told, style="dim"))
    return [*made, Text("(ειδοποιήσεις + αιτήματα πολιτών)", style="dim")]


def _cells(line: Line, zone: str) -> list[str]:
    return [
        line.number,
        SEVERITY_LABEL[Severity[line.severity.upper()]],
        state_label(IncidentState(line.state), line.reopened_at),
        f"{line.opened_at.astimezone(ZoneInfo(zone)):%d/%m %H:%M}",
    ]


def _cut(text: str, room: int) -> str:
    return text if cell_len(text) <= room else set_cell_size(text, room - 1) + "…"


def _order(line: Line) -> str:
    if line.handed_to and line.state == IncidentState.HANDED_ON:
        return f"→ {line.handed_to}"
    if not line.order:
        return ""
    state = ORDER_LABEL[OrderState(str(line.order_state))]
    return f"{line.order} {short(line.crew_name or '')}, {state}"


def short(name: str) -> str:
    """«Ύδρευση 1 (πρωινό)» is «Ύδρευση 1» where there is little room."""
    return name.split(" (")[0]
