"""One incident for a terminal: how it stands, why, who is on it, what comes next, what to do. Pure.

Laws:
- times are the city's; ids of members are whole enough to be typed again;
- what another alert explains is told by the rule where it is many (`unfold` lists them all);
- no line is longer than the terminal: what does not fit goes on below, in its column.
"""

from collections.abc import Iterator

from rich.text import Text

from kel.cli.incident_ahead import coming
from kel.cli.incident_alerts import alerts_of, title_of
from kel.cli.incident_rows import course, item, lines, steps
from kel.cli.incident_sight import Sight
from kel.cli.incident_table import short
from kel.cli.listing import counted, visible
from kel.model.incident import IncidentState
from kel.model.labels import EVENT_LABEL, SEVERITY_LABEL, clock, hours, order_label, state_label
from kel.model.order import OPEN_ORDER, OrderState

STEPS = 14  # lines of the runbook
KEL = "kel"  # who did it, where nobody else did


def show(sight: Sight, width: int, unfold: bool = False) -> list[Text]:
    """The incident for so many columns; with `unfold` every alert, and the whole heading."""
    made = [Text(f"{sight.incident.number}  {sight.incident.title}", style="bold")]
    for name, told in _head(sight):
        made += item(name, told, width)
    if sight.mistake:
        told = f"ο φάκελος της πόλης έχει λάθη, κάτι μπορεί να λείπει εδώ: {sight.mistake}"
        made += item("προσοχή", told, width)
    for title, part in (
        (title_of(sight), list(alerts_of(sight, width, unfold))),
        (counted(len(sight.requests), "αίτημα", "αιτήματα"), list(_requests(sight, width))),
        ("Εντολές", list(_orders(sight, width))),
        ("Τι κάνουμε", list(_runbook(sight, width, unfold))),
    ):
        if part:
            made += [Text(), Text(title[0].upper() + title[1:], style="bold"), *part]
    return made


def _head(sight: Sight) -> Iterator[tuple[str, str]]:
    incident, zone = sight.incident, sight.zone
    state = state_label(incident.state, incident.reopened_at)
    yield "κατάσταση", f"{SEVERITY_LABEL[incident.severity]}, {state}{_since(sight)}"
    yield "κατηγορία", sight.words.category(incident.category)
    yield "τόπος", _place(sight)
    moments = {
        "άρχισε": incident.started_at,
        "άνοιξε": incident.opened_at,
        "αναγνωρίστηκε": incident.acknowledged_at,
        "αποκαταστάθηκε": incident.resolved_at,
        "επαληθεύτηκε": incident.verified_at,
        "άνοιξε ξανά": incident.reopened_at,
        "έκλεισε": incident.closed_at,
    }
    passed = [(word, at) for word, at in moments.items() if at is not None]
    yield "πορεία", course(sorted(passed, key=lambda p: p[1]), zone)
    yield "ποιος", " · ".join(_who(sight))
    if incident.flapping_at:
        yield "ασταθές", f"ειδοποίηση έρχεται και φεύγει από {clock(incident.flapping_at, zone)}"
    for n, told in enumerate(coming(sight)):
        yield "" if n else "επόμενο", told


def _since(sight: Sight) -> str:
    """Since when it waits or when it came so far, where that is known; why it is open again."""
    incident = sight.incident
    if incident.state is IncidentState.OPEN:
        told = f" από {clock(incident.reopened_at or incident.opened_at, sight.zone)}"
        again = [w for w in ("still_active", "reopened", "ask_again") if w in sight.last]
        if not incident.reopened_at or not again:
            return told
        last = max(again, key=lambda w: sight.last[w])
        what = f"{EVENT_LABEL[last]}: " if last == "ask_again" else ""
        return f"{told}: {what}{sight.last[last][2]}"
    moment = {
        IncidentState.ACKNOWLEDGED: incident.acknowledged_at,
        IncidentState.HANDED_ON: incident.handed.at if incident.handed else None,
        IncidentState.RESOLVED: incident.resolved_at,
        IncidentState.VERIFIED: incident.verified_at,
        IncidentState.CLOSED: incident.closed_at,
    }.get(incident.state)
    told = f" {clock(moment, sight.zone)}" if moment else ""
    if incident.state is IncidentState.CLOSED and "closed" in sight.last:
        _, who, why = sight.last["closed"]  # of one that was merged: where it went
        told += f": {why}" + (f" ({who})" if who != KEL else "")
    return told


def _place(sight: Sight) -> str:
    incident, city = sight.incident, sight.words.city
    zone, feeder = city.zones.get(incident.zone or ""), city.feeders.get(incident.feeder or "")
    names = [sight.words.community(incident.community)]
    names += [f"ζώνη {zone.name}"] if zone else []
    names += [feeder.name] if feeder else []
    names += [sight.device(incident.cause)] if incident.cause else []
    where = f"{incident.place.lat:.5f}, {incident.place.lon:.5f}"
    return " · ".join([*dict.fromkeys(names), where])


def _who(sight: Sight) -> Iterator[str]:
    incident = sight.incident
    known = sight.last.get("acknowledged")
    if incident.acknowledged_at is not None and known is not None:
        yield f"αναγνώρισε: {known[1]}"
    if incident.state is IncidentState.OPEN:
        again = " από τότε που άνοιξε ξανά" if incident.reopened_at else ""
        yield f"δεν το έχει αναγνωρίσει κανείς{again}"
    if incident.assigned:
        yield f"υπεύθυνος: {incident.assigned}"
    if incident.crew:
        yield f"μόνο το συνεργείο: {sight.crews.get(incident.crew, incident.crew)}"
    if incident.handed is not None:
        handed = incident.handed
        protocol = f", αρ. πρωτ. {handed.protocol}" if handed.protocol else ""
        again = f", ερώτηση ξανά {clock(handed.ask_at, sight.zone)}" if handed.ask_at else ""
        yield f"διαβιβάστηκε σε {handed.to}{protocol}{again}"


# its requests, its orders, what to do


def _requests(sight: Sight, width: int) -> Iterator[Text]:
    for request in sight.requests:
        label = sight.words.category(request.category)
        text = f": «{visible(' '.join(request.text.split()))}»" if request.text.strip() else ""
        told = f"{clock(request.at, sight.zone)} {label}{text}"
        yield from lines(str(request.id)[:8], told, width)


def _orders(sight: Sight, width: int) -> Iterator[Text]:
    for known, crew, state, *rest in sight.orders:
        (
            made,
            arrive,
            finish,
            accepted,
            arrived,
            completed,
            expires,
            note,
            before,
            left,
            over,
            why,
        ) = rest
        name, order = sight.crews.get(crew, crew), OrderState(state)
        state_told, open_ = order_label(order, left), order in OPEN_ORDER
        moments = [("δόθηκε", made), ("δέχτηκε", accepted)]
        moments.append(("έφτασε", arrived) if arrived else ("άφιξη", open_ and arrive))
        moments.append(
            ("τέλος", completed) if completed else ("προβλέπεται τέλος", open_ and finish)
        )
        moments.append(("απάντηση ως", expires if order is OrderState.SENT else None))
        moments.append((state_told, over))
        passed = course([(word, at) for word, at in moments if at], sight.zone)
        more = [f"συνεχίζει την {before}"] if before else []
        part = left and (open_ or order is OrderState.COMPLETED)
        more += [f"παράδοση βάρδιας, μένουν {hours(left)}"] if part else []
        more += [visible(told) for told in dict.fromkeys((why, note)) if told]
        told = f"{short(name)}, {state_told} · {' · '.join([passed, *more])}"
        yield from lines(known, told, width, indent=len(known) + 2)


def _runbook(sight: Sight, width: int, unfold: bool) -> Iterator[Text]:
    if not sight.runbook:
        return
    first, *others = sight.runbook
    lines = list(steps(first.text, max(width - 2, 20)))
    shown = len(lines) if unfold else STEPS
    yield from (Text(f"  {line}") for line in lines[:shown])
    where = [f"kel runbook {first.id}"] if lines[shown:] else []
    where += [f"kel runbook {other.id} ({other.title})" for other in others]
    if where:
        yield from item("και", " · ".join(where), width)
