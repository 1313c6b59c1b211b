"""Incidents as a table for a terminal of any width. Pure.

Laws:
- numbers of incidents and orders are never cut, titles may be;
- they stand as `list_incidents` gives them: what waits for somebody first, what is closed last;
- the words are those of all screens (`kel.model.labels`), the crews' names the city's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from kel.cli.listing import number
from kel.model.alert import Severity
from kel.model.incident import IncidentState
from kel.model.labels import SEVERITY_LABEL, clock, order_label, state_label
from kel.model.order import OrderState

SEVERITY_COLOUR = ("dim", "cyan", "yellow", "dark_orange", "bold red")
HEAD = ("Αρ.", "Σοβαρότητα", "Κατάσταση", "Άνοιξε")
CLOSED_HEAD = ("Αρ.", "Σοβαρότητα", "Άνοιξε", "Έκλεισε")
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
    handed_over: bool = False  # the order's work, to another crew
    reopened_at: datetime | None = None
    handed_to: str | None = None
    assigned: str | None = None  # who is responsible
    demanded: str | None = None  # the one crew that it is to get
    category: str = ""
    category_label: str = ""
    zone: str | None = None
    feeder: str | None = None
    started_at: datetime | None = None
    resolved_at: datetime | None = None
    closed_at: datetime | None = None

    @classmethod
    def of_row(cls, row: Sequence[Any], crews: Mapping[str, str]) -> "Line":
        """Of a row of the statement `list_incidents`; `crews` maps a crew's id to its name."""
        known, severity, state, community, title, opened, acknowledged, alerts, requests = row[:9]
        o, *more = row[9:]
        order, crew, order_state, handed_over = o or (None, None, None, False)
        return cls(
            known,
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
            handed_over,
            *more,
        )

    def as_json(self) -> dict[str, object]:
        """Ids and ISO 8601 times in UTC, as other programs want them."""
        return {
            key: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
            for key, value in asdict(self).items()
        }


def table(lines: Sequence[Line], width: int, zone: str, left_out: int = 0) -> list[Text]:
    """The lines of the table for so many columns, what is closed apart; times in the city's zone.

    Where they do not fit side by side, an incident's order stands below it. `left_out`: how many
    more there are, which is told with the way to see them.
    """
    active = [line for line in lines if line.state != IncidentState.CLOSED]
    closed = lines[len(active) :]
    made = _part("Συμβάντα", HEAD, active, width, zone)
    if closed:
        made += _part("Κλειστά, τα νεότερα πρώτα", CLOSED_HEAD, closed, width, zone)
    if lines:
        made.append(Text("(ειδοποιήσεις + αιτήματα πολιτών)", style="dim"))
    if left_out:
        more = "δεν φαίνεται" if left_out == 1 else "δεν φαίνονται"
        shown = len(lines) + left_out
        made.append(Text(f"{number(left_out)} ακόμη {more}: --most {shown}", style="bold"))
    return made


def _part(
    name: str, head: Sequence[str], lines: Sequence[Line], width: int, zone: str
) -> list[Text]:
    cells = [_cells(line, ZoneInfo(zone)) for line in lines]
    widths = [max(map(cell_len, column)) for column in zip(head, *cells, strict=True)]
    left = sum(w + len(GAP) for w in widths)
    orders = max([cell_len(LAST_HEAD), *(cell_len(_order(line)) for line in lines)])
    beside = width >= left + LEAST_BESIDE + len(GAP) + orders
    room = max(LEAST_TITLE, width - left - (orders + len(GAP)) * beside)
    titles = [f"{line.title} ({line.alerts}+{line.requests})" for line in lines]
    room = min(room, max(map(cell_len, [*titles, TITLE_HEAD])))

    made = [Text(f"{name} ({len(lines)})", style="bold")]
    if not lines:
        return made
    top = [*map(set_cell_size, head, widths), set_cell_size(TITLE_HEAD, room)]
    made.append(Text(GAP.join([*top, LAST_HEAD] if beside else top).rstrip(), style="dim"))
    for line, cell, title in zip(lines, cells, titles, strict=True):
        number_, severity, *others = map(set_cell_size, cell, widths)
        row = Text(number_ + GAP)
        row.append(severity, style=SEVERITY_COLOUR[Severity[line.severity.upper()]])
        row.append(GAP + GAP.join([*others, _cut(title, room)]))
        told = _order(line)
        if beside and told:
            row.append(" " * (left + room + len(GAP) - row.cell_len) + told, style="dim")
        made.append(row)
        if told and not beside:
            made.append(Text(" " * (widths[0] + len(GAP)) + told, style="dim"))
    return made


def _cells(line: Line, zone: ZoneInfo) -> list[str]:
    cells = [line.number, SEVERITY_LABEL[Severity[line.severity.upper()]]]
    if line.state == IncidentState.CLOSED:
        return [*cells, _clock(line.opened_at, zone), _clock(line.closed_at, zone)]
    state = state_label(IncidentState(line.state), line.reopened_at)
    return [*cells, state, _clock(line.opened_at, zone)]


def _clock(moment: datetime | None, zone: ZoneInfo) -> str:
    return clock(moment, zone) if moment else "–"


def _cut(text: str, room: int) -> str:
    return text if cell_len(text) <= room else set_cell_size(text, room - 1) + "…"


def _order(line: Line) -> str:
    if line.handed_to and line.state == IncidentState.HANDED_ON:
        return f"→ {line.handed_to}"
    if not line.order:
        return ""
    state = order_label(OrderState(str(line.order_state)), line.handed_over)
    return f"{line.order} {short(line.crew_name or '')}, {state}"


def short(name: str) -> str:
    """«Ύδρευση 1 (πρωινό)» is «Ύδρευση 1» where there is little room."""
    return name.split(" (")[0]
