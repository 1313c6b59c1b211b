"""One incident for a terminal: what it is, its members and orders, and its whole history. Pure.

Laws: times are the city's; ids of members are whole enough to be typed again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from rich.text import Text

from kel.cli.incident_table import short
from kel.cli.listing import table
from kel.model.alert import Severity
from kel.model.incident import Incident, IncidentEvent
from kel.model.labels import EVENT_LABEL, ORDER_LABEL, SEVERITY_LABEL, state_label
from kel.model.order import OrderState

Rows = Sequence[Sequence[Any]]


def head(incident: Incident, crews: Mapping[str, str], zone: tzinfo) -> list[Text]:
    """What it is and how it stands."""
    state = state_label(incident.state, incident.reopened_at)
    severity = SEVERITY_LABEL[incident.severity]
    lines = [Text(f"{incident.number}  {incident.title}", style="bold")]
    lines.append(Text(f"{severity}, {state}, από {_clock(incident.started_at, zone)}"))
    moments = {
        "άνοιξε": incident.opened_at,
        "αναγνωρίστηκε": incident.acknowledged_at,
        "αποκαταστάθηκε": incident.resolved_at,
        "επαληθεύτηκε": incident.verified_at,
        "έκλεισε": incident.closed_at,
    }
    told = [f"{word} {_clock(at, zone)}" for word, at in moments.items() if at is not None]
    lines.append(Text(" · ".join(told)))
    if incident.handed is not None:
        handed = incident.handed
        protocol = f", αρ. πρωτ. {handed.protocol}" if handed.protocol else ""
        again = f", ερώτηση ξανά {_clock(handed.ask_at, zone)}" if handed.ask_at else ""
        lines.append(Text(f"διαβιβάστηκε σε {handed.to}{protocol}{again}"))
    if incident.assigned:
        lines.append(Text(f"υπεύθυνος: {crews.get(incident.assigned, incident.assigned)}"))
    return lines


def members(alerts: Rows, requests: Rows, width: int, zone: tzinfo) -> list[Text]:
    """Its alerts (of `incident_alerts`) and requests (of `incident_requests`), with their ids."""
    rows = []
    for alert, rule, _, name, severity, detected, cleared in alerts:
        until = f"έληξε {_clock(cleared, zone)}" if cleared else "ενεργή"
        rows.append([str(alert)[:8], _clock(detected, zone), until, rule, name])
        rows[-1].insert(3, SEVERITY_LABEL[Severity(severity)])
    for request, category, at in requests:
        rows.append([str(request)[:8], _clock(at, zone), "", "", f"αίτημα πολίτη: {category}", ""])
    titles = ["Μέλος", "Πότε", "Ως", "Σοβαρότητα", "Κανόνας", "Συσκευή"]
    return table(titles, rows, width, (5, 4))


def orders(found: Rows, crews: Mapping[str, str], width: int, zone: tzinfo) -> list[Text]:
    """Its orders, of `incident_orders`."""
    rows = [
        [number, short(crews.get(crew, crew)), ORDER_LABEL[OrderState(state)]]
        + [_clock(m, zone) for m in (made, arrive, finish)]
        for number, crew, state, made, arrive, finish in found
    ]
    titles = ["Εντολή", "Συνεργείο", "Κατάσταση", "Δόθηκε", "Άφιξη", "Τέλος"]
    return table(titles, rows, width, (1,))


def history(events: Sequence[IncidentEvent], width: int, zone: tzinfo) -> list[Text]:
    """Every event, in its order."""
    rows = [[_clock(e.at, zone), EVENT_LABEL.get(e.what, e.what), e.who, e.why] for e in events]
    return table(["Πότε", "Τι", "Ποιος", "Γιατί"], rows, width, (3, 2))


def _clock(moment: datetime, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%d/%m %H:%M}"
