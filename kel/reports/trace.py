"""A trace for people: the way from a euro back to the readings, in a terminal of 100 columns. Pure.

Laws:
- every step names its id, so that an auditor can look it up; no figure is rounded that was booked;
- what is left out of a long list is counted;
- colour only underlines: in plain text nothing is missing.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby

from rich.box import Box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from kel.model.city import City
from kel.model.cost import CostEntry
from kel.model.incident import Incident, IncidentEvent
from kel.model.labels import (
    EVENT_LABEL,
    KIND_LABEL,
    NATURE_LABEL,
    SEVERITY_LABEL,
    STATE_LABEL,
    order_label,
)
from kel.model.order import OrderItem, OrderState, WorkOrder
from kel.model.request import Request
from kel.reports import greek
from kel.reports.seen import seen
from kel.reports.series import sparkline, thinned
from kel.reports.trace_words import Words, how, integrated, length, plain, price
from kel.reports.traced import AlertTrace, CostLine, Series, Trace

WIDTH = 100
SPINE = Box("●   \n│   \n│   \n│   \n│   \n│   \n│   \n│   \n")
ALERTS, NAMED, EVENTS, REQUESTS = 3, 6, 12, 4  # shown in full, by name, and so on; the rest counted
SIGNS = frozenset({"joined", "hushed", "cleared"})  # told by the dozen in a feeder's outage
COLUMNS = 3  # of readings beside one another
DIM, STRONG, MARK, LINE = "dim", "bold", "yellow", "cyan"


def render(trace: Trace, city: City) -> RenderableType:
    """The whole way back; `city` gives the names."""
    words = Words(city)
    parts = [_entry(trace, words)]
    if trace.lost is not None:
        parts.append(_loss(trace.entry, trace.lost, words))
    if trace.order is not None:
        parts.append(_order(trace.order, words))
    parts.append(_incident(trace.incident, trace.history, trace.requests, words))
    parts += _alerts(trace.alerts, words)
    return Group(*parts)


def render_lines(lines: Sequence[CostLine], city: City, title: str) -> RenderableType:
    """Cost entries to choose one from, with the short ids that `kel trace` takes."""
    words = Words(city)
    table = Table(
        title=title, title_justify="left", box=None, pad_edge=False, width=WIDTH, header_style=DIM
    )
    for name, width in (("Εγγραφή", 8), ("Πότε", 16), ("Είδος", 22)):
        table.add_column(name, no_wrap=True, min_width=width)
    table.add_column("Ποσό", justify="right", no_wrap=True, min_width=11)
    table.add_column("Συμβάν", overflow="ellipsis", no_wrap=True, ratio=1)
    for line in lines:
        kind = f"{KIND_LABEL[line.kind]}, {NATURE_LABEL[line.nature][:5]}."
        table.add_row(
            str(line.id)[:8],
            words.moment(line.at),
            kind,
            greek.euros(line.amount, cents=True),
            f"{line.incident}  {line.title}",
        )
    return table


def _step(title: str, about: str, *content: RenderableType) -> Panel:
    """One step of the way, on the spine that ties all together."""
    head = Text(greek.capitals(title), style=f"{STRONG} {LINE}")
    head.append(f" {about} ", style=f"not bold {LINE}")
    return Panel(
        Group(*content), box=SPINE, title=head, title_align="left", width=WIDTH, border_style=LINE
    )


def _pairs(rows: Iterable[tuple[str, str]]) -> Table:
    """Names on the left, what they say on the right; rows that say nothing are left out."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style=DIM, width=16, no_wrap=True)
    table.add_column()
    for name, told in rows:
        if told:
            table.add_row(name, Text(told))
    return table


def _entry(trace: Trace, words: Words) -> Panel:
    entry = trace.entry
    sum_ = Text()
    sum_.append(greek.euros(entry.amount, cents=True), style="bold green")
    sum_.append(f"  =  {plain(entry.quantity)} {entry.unit} × {price(entry.price)} €/{entry.unit}")
    if entry.corrects:
        sum_.append("  (διαφορά από την προηγούμενη εγγραφή)", style=DIM)
    rows = [
        ("είδος", f"{KIND_LABEL[entry.kind]}, {NATURE_LABEL[entry.nature]} κόστος"),
        *(("πώς βγήκε" if n == 0 else "", line) for n, line in enumerate(how(entry, words))),
        ("λογαριασμός", words.account(entry.account)),
        ("Κοινότητα", f"{words.community(entry.community)} · {words.category(entry.category)}"),
        ("καταχώριση", words.moment(entry.at)),
        ("διορθώνει", f"την εγγραφή {entry.corrects}" if entry.corrects else ""),
        *(
            ("διορθώθηκε", f"{words.moment(c.at)}: {greek.euros(c.amount, True)} με την {c.id}")
            for c in trace.corrections
        ),
    ]
    return _step("Εγγραφή κόστους", str(entry.id), sum_, _pairs(rows))


def _loss(entry: CostEntry, series: Series, words: Words) -> Panel:
    lines = [Text(line) for line in integrated(entry, series, words)]
    return _step("Μέτρηση της απώλειας", entry.unit, *lines, *_readings(series, words))


def _order(order: WorkOrder, words: Words) -> Panel:
    rows = [
        ("συνεργείο", f"{words.crew(order.crew)} · {order_label(order.state, order.remaining)}"),
        ("άτομα", ", ".join(map(words.person, order.people))),
        ("οχήματα", ", ".join(map(words.vehicle, order.vehicles))),
        ("πορεία", _course(order, words)),
        ("χιλιόμετρα", f"{plain(order.km)} km, πήγαινε-έλα"),
        ("προσπάθεια", f"{order.attempt}η" if order.attempt > 1 else ""),
        ("σημείωση", order.note),
    ]
    used: list[RenderableType] = [Text(), _materials(order.items, words)] if order.items else []
    return _step("Εντολή εργασίας", order.number, _pairs(rows), *used)


def _course(order: WorkOrder, words: Words) -> str:
    """«Τετ 21/10, 08:00 στάλθηκε · 08:05 δέχτηκε · 08:35 έφτασε · 12:00 τελείωσε»."""
    steps = [("δέχτηκε", order.accepted_at), ("έφτασε", order.arrived_at)]
    steps.append((order_label(OrderState.COMPLETED, order.remaining), order.completed_at))
    told = [f"{words.moment(order.made_at)} στάλθηκε"]
    day = words.at(order.made_at).date()
    for name, at in steps:
        if at is not None:
            local = words.at(at)
            told.append(f"{local:%H:%M}" if local.date() == day else words.moment(at))
            told[-1] += f" {name}"
            day = local.date()
    return " · ".join(told)


def _materials(items: Sequence[OrderItem], words: Words) -> Table:
    table = Table(box=None, pad_edge=False, header_style=DIM)
    table.add_column("υλικό", no_wrap=True, overflow="ellipsis")
    table.add_column("από", no_wrap=True, overflow="ellipsis")
    table.add_column("σχέδιο", justify="right", no_wrap=True)
    table.add_column("χρήση", justify="right", no_wrap=True)
    for item in items:
        name, unit = words.item(item.item)
        used = "–" if item.used is None else f"{plain(item.used)} {unit}"
        table.add_row(name, words.place(item.place), f"{plain(item.planned)} {unit}", used)
    return table


def _incident(
    incident: Incident,
    history: Sequence[IncidentEvent],
    requests: Sequence[Request],
    words: Words,
) -> Panel:
    category = words.category(incident.category)
    severity, state = SEVERITY_LABEL[incident.severity], STATE_LABEL[incident.state]
    rows = [
        ("κατηγορία", f"{category} · σοβαρότητα {severity} · {state}"),
        ("αιτία", words.device(incident.cause) if incident.cause else ""),
        ("άρχισε", words.moment(incident.started_at)),
        ("άνοιξε", words.moment(incident.opened_at)),
        *(
            (name, f"{words.moment(at)}  (+{length(at - incident.opened_at)})")
            for name, at in (
                ("αναγνωρίστηκε", incident.acknowledged_at),
                ("αποκαταστάθηκε", incident.resolved_at),
                ("επαληθεύτηκε", incident.verified_at),
                ("έκλεισε", incident.closed_at),
            )
            if at is not None
        ),
        *(("αίτημα", _asked(request, words)) for request in requests[:REQUESTS]),
        ("", _more(len(requests) - REQUESTS, "αίτημα", "αιτήματα")),
    ]
    title = Text(incident.title, style=STRONG)
    return _step("Συμβάν", incident.number, title, _pairs(rows), Text(), _history(history, words))


def _asked(request: Request, words: Words) -> str:
    text = greek.shorten(request.text, 56)
    return f"{words.moment(request.at)}  {words.category(request.category)}: «{text}»"


def _history(history: Sequence[IncidentEvent], words: Words) -> Table:
    """One line a thing that happened; the same thing many times over is told once."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style=DIM, no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    groups = [list(same) for _, same in groupby(history, sameness)]
    half = EVENTS // 2
    cut = len(groups) > EVENTS
    shown = groups[:half] + groups[-half:] if cut else groups
    for n, same in enumerate(shown):
        if cut and n == half:
            table.add_row("", "…", _more(len(groups) - EVENTS, "γραμμή", "γραμμές"))
        event = same[0]
        why = f"{event.why} ×{len(same)}" if len(same) > 1 else event.why
        who = "" if event.who == "kel" else f"  [{words.crew(event.who)}]"
        table.add_row(
            words.moment(event.at), EVENT_LABEL.get(event.what, event.what), Text(why + who)
        )
    return table


def sameness(event: IncidentEvent) -> tuple[str, ...]:
    """What makes events one line: signs that come or go are one, decisions have their reasons."""
    return (event.what,) if event.what in SIGNS else (event.what, event.who, event.why)


def _alerts(alerts: Sequence[AlertTrace], words: Words) -> list[Panel]:
    panels = [_alert(traced, n, len(alerts), words) for n, traced in enumerate(alerts[:ALERTS], 1)]
    rest = alerts[ALERTS:]
    if rest:
        rows = [
            (words.moment(a.alert.detected_at), f"{a.rule} · {words.device(a.alert.device)}")
            for a in rest[:NAMED]
        ]
        more = _more(len(rest) - NAMED, "ειδοποίηση", "ειδοποιήσεις")
        panels.append(_step("Και ακόμη", str(len(rest)), _pairs([*rows, ("", more)])))
    return panels


def _alert(traced: AlertTrace, number: int, count: int, words: Words) -> Panel:
    alert = traced.alert
    cleared = alert.cleared_at
    rows = [
        ("κανόνας", f"{traced.rule} · βιβλίο κανόνων {alert.rulebook}"),
        ("συσκευή", words.device(alert.device)),
        *(("είδε" if n == 0 else "", line) for n, line in enumerate(seen(alert, words))),
        ("άρχισε", words.moment(alert.started_at)),
        ("διαπιστώθηκε", words.moment(alert.detected_at)),
        (
            "έληξε",
            f"{words.moment(cleared)}, {alert.cleared_why or ''}" if cleared else "όχι ακόμη",
        ),
    ]
    title = f"Ειδοποίηση {number} από {count}"
    return _step(title, str(alert.id), _pairs(rows), *_readings(traced.series, words))


def _readings(series: Series, words: Words) -> list[RenderableType]:
    """The readings as a line of blocks and as figures; what does not count yet is dim."""
    if not series.readings:
        return [Text(), Text("καμία αποθηκευμένη μέτρηση σε αυτό το διάστημα", style=DIM)]
    label, unit = words.metric(series.cls, series.metric)
    several = len({r.device for r in series.readings}) > 1
    head = Text(f"{label}, {unit}  " if unit else f"{label}  ", style=DIM)
    if not several and len(series.readings) > 2:
        head.append_text(_course_of(series))
    head.append(f"  {_count(series)}", style=DIM)
    return [Text(), head, _figures(series, words, several)]


def _course_of(series: Series) -> Text:
    readings = series.readings
    line = sparkline(readings)
    earlier = sum(r.at < series.since for r in readings)
    before = earlier * len(line) // len(readings)
    course = Text(line[:before], style=DIM)
    course.append(line[before:], style=MARK)
    low, high = min(r.value for r in readings), max(r.value for r in readings)
    return course.append(f" {plain(round(low, 2))}–{plain(round(high, 2))}", style=DIM)


def _count(series: Series) -> str:
    counted, whole = len(series.counted), len(series.readings)
    told = greek.plural(counted, "μέτρηση", "μετρήσεις")
    return f"{told}, και {whole - counted} πριν" if counted < whole else told


def _figures(series: Series, words: Words, several: bool) -> Table:
    """Time and value, in columns read from top to bottom."""
    readings = thinned(series)
    table = Table.grid(padding=(0, 2))
    tall = -(-len(readings) // COLUMNS)
    for row in range(tall):
        cells: list[RenderableType] = []
        for r in readings[row::tall]:
            style = "" if series.since <= r.at <= series.until else DIM
            local = words.at(r.at)
            clock = f"{local:%d/%m %H:%M}" + (f":{local:%S}" if local.second else "")
            device = f"  {r.device}" if several else ""
            value = plain(round(r.value, 3))
            cells += [Text(f"{clock}{device}", style=DIM), Text(value, style, justify="right")]
            cells.append(Text(_mark(series, r.at), style=MARK))
        table.add_row(*cells)
    return table


def _mark(series: Series, at: object) -> str:
    counted = series.counted
    if counted and at == counted[0].at:
        return "◂ από"
    return "◂ ως" if counted and at == counted[-1].at else ""


def _more(count: int, one: str, many: str) -> str:
    return f"και {greek.plural(count, one, many)} ακόμη" if count > 0 else ""
