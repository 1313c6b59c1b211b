"""The alerts of one incident: those that speak, and by the rule what others explain. Pure.

Laws:
- an alert says its value against its limit, since when, and whether it is active still;
- what another alert explains is told by the rule where it is many (`unfold` lists them all).
"""

from collections.abc import Iterator, Sequence

from rich.text import Text

from kel.cli.incident_rows import MEMBER, lines
from kel.cli.incident_sight import Sight
from kel.cli.listing import counted, number
from kel.model.alert import Alert
from kel.model.labels import SEVERITY_LABEL, clock
from kel.reports.seen import FLAG, seen

FEW = 3  # alerts of one rule that another explains are listed up to so many
MANY = 6  # and others of one rule up to so many, the active first


def title_of(sight: Sight) -> str:
    active = sum(a.cleared_at is None for a in sight.alerts)
    told = counted(len(sight.alerts), "ειδοποίηση", "ειδοποιήσεις")
    return f"{told}, {counted(active, 'ενεργή', 'ενεργές') if active else 'καμία ενεργή'}"


def alerts_of(sight: Sight, width: int, unfold: bool) -> Iterator[Text]:
    """Those that speak, then those that others explain; of each rule a few, or one line."""
    speaking: dict[str, list[Alert]] = {}
    hushed: dict[tuple[str, str], list[Alert]] = {}
    for alert in sorted(sight.alerts, key=lambda a: (a.cleared_at is not None, -a.severity)):
        if alert.id in sight.causes:
            hushed.setdefault((alert.rule, sight.causes[alert.id]), []).append(alert)
        else:
            speaking.setdefault(alert.rule, []).append(alert)
    folded = False
    for rule, alerts in speaking.items():
        shown = len(alerts) if unfold else MANY
        for alert in alerts[:shown]:
            yield from _alert(sight, alert, "", width)
        if alerts[shown:]:
            folded = True
            rest = counted(len(alerts[shown:]), "ακόμη ειδοποίηση", "ακόμη ειδοποιήσεις")
            yield from lines("", f"{sight.rule(rule)}: {rest}", width)
    for (rule, cause), alerts in hushed.items():
        name = sight.device(cause)
        if unfold or len(alerts) <= FEW:
            for alert in alerts:
                yield from _alert(sight, alert, name, width)
        else:
            folded = True
            yield from lines("", _fold(sight, rule, alerts, name), width)
    for silence, ends, count in sight.beside:
        many = counted(count, "ειδοποίηση", "ειδοποιήσεις")
        told = f"{many} του ίδιου τόπου κρύβει η σίγαση {silence} ως {clock(ends, sight.zone)}"
        yield from lines("", told, width)
    if folded:
        told = f"όλες μία μία: kel incidents show {sight.incident.number} --all"
        yield Text(" " * MEMBER + told, style="dim")


def _alert(sight: Sight, alert: Alert, cause: str, width: int) -> Iterator[Text]:
    head = f"{SEVERITY_LABEL[alert.severity]}: {sight.rule(alert.rule)} · "
    head += sight.device(alert.device)
    style = "" if alert.cleared_at else "bold"
    yield from lines(str(alert.id)[:8], head, width, style)
    for told in seen(alert, sight.words, sight.rules):
        yield from lines("", told.replace("\u00a0", " "), width)
    since = f"από {clock(alert.started_at, sight.zone)}"
    if alert.cleared_at is not None:
        state = f"{since}, έληξε {clock(alert.cleared_at, sight.zone)}"
    elif alert.id in sight.dismissed:
        state = f"{since}, ενεργή όταν έκλεισε το συμβάν: σωπαίνει ώσπου να λήξει"
    else:
        state = f"{since}, ενεργή{_newest(sight, alert)}"
    yield from lines("", f"{state} · την εξηγεί: {cause}" if cause else state, width)


def _newest(sight: Sight, alert: Alert) -> str:
    """«, τελευταία τιμή 41,2 m³/h (18/10 03:40)» of the metric that it is about."""
    known, metric = sight.devices.get(alert.device), alert.evidence.metric
    value = known.metrics.get(metric) if known else None
    if known is None or known.at is None or not isinstance(value, int | float):
        return ""
    _, unit = sight.words.metric(alert.evidence.cls, metric)
    told = f"{number(value)} {unit}".rstrip()
    if alert.evidence.facts.get("unit") == FLAG:
        told = "ναι" if value else "όχι"
    return f", τελευταία τιμή {told} ({clock(known.at, sight.zone)})"


def _fold(sight: Sight, rule: str, alerts: Sequence[Alert], cause: str) -> str:
    """«Φωτιστικό χωρίς σήμα: 48 συσκευές, 12 ενεργές ακόμη · τις εξηγεί: Πίλαρ φωτισμού 29»."""
    many = counted(len({a.device for a in alerts}), "συσκευή", "συσκευές")
    active = sum(a.cleared_at is None for a in alerts)
    still = f"{counted(active, 'ενεργή', 'ενεργές')} ακόμη" if active else "έληξαν όλες"
    return f"{sight.rule(rule)}: {many}, {still} · τις εξηγεί: {cause}"
