"""What a backtest came to, for people: incident by incident, and a table of sums at the end."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from rich.text import Text

from kel.backtest.effect import Amounts, shift
from kel.backtest.incidents import Formed, Moved
from kel.backtest.outcome import Outcome
from kel.backtest.prices import Price
from kel.cli.listing import Styled, counted, number, table
from kel.model.alert import Alert
from kel.model.city import City
from kel.model.labels import SEVERITY_LABEL
from kel.model.labels import span as length
from rules.incidents.describe import category_of

MOST = 30  # incidents of a list; the rest is counted
ALERT_HEAD = ["ΕΝΤΟΠΙΣΤΗΚΕ", "ΚΑΝΟΝΑΣ", "ΣΥΣΚΕΥΗ", "ΖΩΝΗ", "ΣΟΒΑΡΟΤΗΤΑ", "ΞΕΚΙΝΗΣΕ", "ΕΛΗΞΕ"]
RULE_HEAD = ["ΚΑΝΟΝΑΣ", "ΠΡΙΝ", "ΜΕΤΑ", "ΝΕΕΣ", "ΧΑΝΟΝΤΑΙ"]
INCIDENT_HEAD = ["ΑΡΙΘΜΟΣ", "ΑΝΟΙΞΕ", "ΣΥΜΒΑΝ", "ΑΙΤΙΑ", "ΩΡΕΣ", "ΕΡΓΑΣΙΑ"]
MOVED_HEAD = ["ΑΡΙΘΜΟΣ", "ΠΡΙΝ", "ΜΕΤΑ", "ΔΙΑΦΟΡΑ", "ΣΥΜΒΑΝ", "ΑΠΩΛΕΙΑ"]
PRICE_HEAD = ["ΚΑΤΗΓΟΡΙΑ", "ΑΠΟ", "ΩΡΕΣ", "ΕΡΓΑΣΙΑ", "ΝΕΡΟ", "ΕΝΕΡΓΕΙΑ"]
SUM_HEAD = ["", "ΠΡΙΝ", "ΜΕΤΑ", "ΔΙΑΦΟΡΑ"]


def alert_lines(alerts: Sequence[Alert], city: City, width: int) -> Iterator[Text]:
    """A backtest's alerts, one a line, times in the city's zone."""
    if not alerts:
        yield Text("καμία ειδοποίηση")
        return
    zone = ZoneInfo(city.timezone)
    rows: list[list[str | Styled]] = [
        [
            _at(alert.detected_at, zone),
            alert.rule,
            alert.device,
            alert.zone or "",
            SEVERITY_LABEL[alert.severity],
            _at(alert.started_at, zone),
            _at(alert.cleared_at, zone) if alert.cleared_at else "ενεργή",
        ]
        for alert in alerts
    ]
    yield from table(ALERT_HEAD, rows, width, ())
    yield Text(counted(len(alerts), "ειδοποίηση", "ειδοποιήσεις"), style="dim")


def render(outcome: Outcome, width: int) -> Iterator[Text]:
    """What the change would have done: incidents, rules, prices, what must be known, the sums."""
    difference = outcome.difference
    yield from _list("Νέα συμβάντα", outcome, difference.gained, width)
    yield from _list("Συμβάντα που δεν θα άνοιγαν", outcome, difference.lost, width)
    yield from _list("Συμβάντα που θα ήταν μέρος άλλου", outcome, difference.joined, width)
    yield from _list("Συμβάντα που θα χώριζαν από άλλο", outcome, difference.split, width)
    yield from _moved(outcome, difference.moved, width)
    yield from _rules(outcome, width)
    yield from _prices(outcome, width)
    for note in outcome.notes:
        yield Text(f"· {note}", style="dim")
    yield Text()
    yield from _sums(outcome, width)


def _list(title: str, outcome: Outcome, formed: Sequence[Formed], width: int) -> Iterator[Text]:
    if not formed:
        return
    zone = ZoneInfo(outcome.city.timezone)
    rows: list[list[str | Styled]] = []
    for one in formed[:MOST]:
        price = outcome.prices[one.incident.category]
        rows.append(
            [
                outcome.number(one) or "–",
                _at(one.opened, zone),
                one.incident.title,
                one.why,
                number(round(price.hours, 1)),
                _euros(price.work),
            ]
        )
    yield Text(f"{title}: {len(formed)}", style="bold")
    yield from table(INCIDENT_HEAD, rows, width, (2, 3))
    yield from _more(len(formed))
    yield Text()


def _moved(outcome: Outcome, moved: Sequence[Moved], width: int) -> Iterator[Text]:
    if not moved:
        return
    zone = ZoneInfo(outcome.city.timezone)
    ordered = sorted(moved, key=lambda m: -abs(m.earlier))
    rows: list[list[str | Styled]] = []
    for one in ordered[:MOST]:
        price = outcome.prices[one.before.incident.category]
        rows.append(
            [
                outcome.number(one.before) or "–",
                _at(one.before.opened, zone),
                _at(one.after.opened, zone),
                _earlier(one.earlier),
                one.before.incident.title,
                _loss(shift(outcome.city, price, one), price),
            ]
        )
    yield Text(f"Άλλη ώρα εντοπισμού: {len(moved)}", style="bold")
    yield from table(MOVED_HEAD, rows, width, (4,))
    yield from _more(len(moved))
    yield Text()


def _rules(outcome: Outcome, width: int) -> Iterator[Text]:
    changed = [rule for rule in outcome.rules if rule.gained or rule.lost]
    alike = [rule for rule in outcome.rules if not (rule.gained or rule.lost)]
    if changed:
        rows: list[list[str | Styled]] = [
            [r.rule, *map(number, (r.before, r.after, r.gained, r.lost))] for r in changed
        ]
        yield Text("Ειδοποιήσεις ανά κανόνα", style="bold")
        yield from table(RULE_HEAD, rows, width, ())
    if alike:
        told = ", ".join(f"{rule.rule} {rule.after}" for rule in alike)
        yield Text(f"Καμία διαφορά: {told}", style="dim")
    yield Text()


def _prices(outcome: Outcome, width: int) -> Iterator[Text]:
    if not outcome.prices:
        return
    rows: list[list[str | Styled]] = []
    for price in outcome.prices.values():
        source = counted(price.incidents, "όμοιο", "όμοια") if price.incidents else "ανάγκες"
        rows.append(
            [
                category_of(outcome.city, price.category).label,
                source,
                number(round(price.hours, 1)),
                _euros(price.work),
                _lost(price.m3, price.water, "m³"),
                _lost(price.kwh, price.energy, "kWh"),
            ]
        )
    yield Text("Τι κοστίζει ένα συμβάν (διάμεσος όμοιων, κλεισμένων)", style="bold")
    yield from table(PRICE_HEAD, rows, width, ())
    yield Text()


def _sums(outcome: Outcome, width: int) -> Iterator[Text]:
    """The table at the end."""
    zone = ZoneInfo(outcome.city.timezone)
    effect, difference = outcome.effect, outcome.difference
    span = f"{outcome.since.astimezone(zone):%d/%m/%Y} – {outcome.until.astimezone(zone):%d/%m/%Y}"
    title = f"Τι θα άλλαζε, {span} ({counted(outcome.rows, 'μέτρηση', 'μετρήσεις')})"
    yield Text(title, style="bold")
    days = max(outcome.days, 1e-9)
    before, after = outcome.before, outcome.after
    earlier = [m for m in difference.moved if m.earlier > timedelta(0)]
    later = [m for m in difference.moved if m.earlier < timedelta(0)]
    rows: list[list[str | Styled]] = [
        ["Ειδοποιήσεις", *_pair(before.alerts, after.alerts)],
        ["  ανά ημέρα", *_pair(round(before.alerts / days, 1), round(after.alerts / days, 1))],
        ["  στη χειρότερη ώρα", *_pair(before.busiest_hour, after.busiest_hour)],
        ["Συμβάντα", *_pair(before.incidents, after.incidents)],
        ["  νέα", "", "", _signed(len(difference.gained))],
        ["  δεν θα άνοιγαν", "", "", _signed(-len(difference.lost))],
        ["  μέρος άλλου / χωριστά", "", "", _apart(len(difference.joined), len(difference.split))],
        ["  νωρίτερα", "", "", _shifted(earlier)],
        ["  αργότερα", "", "", _shifted(later)],
        ["Ώρες συνεργείων", "", "", _signed(round(effect.work.hours, 1), " ώ")],
        ["Εργασία, υλικά, οχήματα", "", "", _signed(round(effect.work.work), " €")],
        ["Νερό που χάνεται ως τον εντοπισμό", "", "", _measure(effect.delay, "m³")],
        ["Ενέργεια που χάνεται ως τον εντοπισμό", "", "", _measure(effect.delay, "kWh")],
        [("Σύνολο", "bold"), "", "", (_signed(round(effect.total), " €"), "bold")],
    ]
    yield from table(SUM_HEAD, rows, width, ())
    measures = (_measure(effect.found, unit) for unit in ("m³", "kWh"))
    if told := ", ".join(text for text in measures if text != "0"):
        yield Text(
            "Αν είναι αληθινά, τα νέα συμβάντα πλην όσων δεν θα άνοιγαν χάνουν συνήθως "
            f"{told}: χάνονται είτε φαίνονται είτε όχι, και δεν είναι στο σύνολο.",
            style="dim",
        )


def _apart(joined: int, split: int) -> str:
    return f"{_signed(-joined)} / {_signed(split)}" if joined or split else "0"


def _pair(before: float, after: float) -> list[str]:
    return [number(before), number(after), _signed(round(after - before, 1))]


def _shifted(moved: Iterable[Moved]) -> str:
    spans = sorted(abs(m.earlier) for m in moved)
    if not spans:
        return "0"
    return f"{len(spans)}, κατά {length(spans[len(spans) // 2])} (διάμεσος)"


def _earlier(by: timedelta) -> str:
    return f"{length(abs(by))} {'νωρίτερα' if by > timedelta(0) else 'αργότερα'}"


def _loss(amounts: Amounts, price: Price) -> str:
    if price.m3_per_hour is None or price.kwh_per_hour is None:
        return "άγνωστη"
    told = [_measure(amounts, unit) for unit in ("m³", "kWh")]
    return ", ".join(text for text in told if text != "0") or "–"


def _measure(amounts: Amounts, unit: str) -> str:
    """«−12 m³ (−7 €)»; «0» where it is nothing."""
    value = amounts.m3 if unit == "m³" else amounts.kwh
    euros = amounts.water if unit == "m³" else amounts.energy
    if not value and not euros:
        return "0"
    return f"{_signed(round(value, 1), ' ' + unit)} ({_signed(round(euros), ' €')})"


def _lost(value: float | None, euros: float | None, unit: str) -> str:
    if value is None or euros is None:
        return "άγνωστο"
    return f"{number(round(value))} {unit} · {_euros(euros)}" if value or euros else "–"


def _signed(value: float, unit: str = "") -> str:
    return ("+" if value > 0 else "") + number(value) + unit


def _euros(value: float) -> str:
    return f"{number(round(value))} €"


def _at(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%d/%m/%Y %H:%M}"


def _more(count: int) -> Iterator[Text]:
    if count > MOST:
        yield Text(f"… και {count - MOST} ακόμη (--json: όλα)", style="dim")
