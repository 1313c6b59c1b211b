"""What a backtest of a changed rulebook came to, and how a program reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from kel.backtest.alerts import RuleCount
from kel.backtest.effect import Effect, shift
from kel.backtest.incidents import Difference, Formed, Moved
from kel.backtest.prices import Price
from kel.model.alert import Alert
from kel.model.city import City

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Load:
    """What reaches an operator in the span: alerts, incidents opened, alerts of the worst hour."""

    alerts: int
    incidents: int
    busiest_hour: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """`since` … `until` is what was asked and is known; the rules were warmed up from `warmed`.

    `numbers`: alert or request → the number of the incident that it really became. `notes`: what a
    reader must know of the history, in Greek. `changed`: the rules that differ; `left_out`: those
    that this history cannot judge.
    """

    city: City
    since: datetime
    until: datetime
    warmed: datetime
    rows: int
    books: tuple[str, str]  # versions, before and after
    before: Load
    after: Load
    rules: Sequence[RuleCount]
    difference: Difference
    prices: Mapping[str, Price]
    effect: Effect
    numbers: Mapping[UUID, str]
    notes: Sequence[str]
    changed: Sequence[str] = ()
    left_out: Sequence[str] = ()

    @property
    def days(self) -> float:
        return (self.until - self.since) / timedelta(days=1)

    def number(self, formed: Formed) -> str | None:
        """The number that it really had; None where it never was."""
        signs = (*formed.incident.alerts, *formed.incident.requests)
        return next((self.numbers[s] for s in signs if s in self.numbers), None)


def alert_json(alert: Alert) -> dict[str, object]:
    """An alert as one line of a backtest; times in UTC."""
    about = alert.evidence
    return {
        "rule": alert.rule,
        "kind": alert.kind,
        "device": alert.device,
        "zone": alert.zone,
        "started_at": iso(alert.started_at),
        "detected_at": iso(alert.detected_at),
        "cleared_at": iso(alert.cleared_at) if alert.cleared_at else None,
        "severity": alert.severity.name.lower(),
        "evidence": {
            "class": about.cls,
            "device": about.device,
            "metric": about.metric,
            "since": iso(about.since),
            "until": iso(about.until),
            "facts": dict(about.facts),
        },
    }


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def outcome_json(outcome: Outcome) -> dict[str, object]:
    """All of an outcome, as one JSON object."""
    effect, o = outcome.effect, outcome
    return {
        "since": iso(o.since),
        "until": iso(o.until),
        "warmed_from": iso(o.warmed),
        "rows": o.rows,
        "rulebooks": dict(zip(("before", "after"), o.books, strict=True)),
        "load": {"before": asdict(o.before), "after": asdict(o.after), "days": round(o.days, 2)},
        "rules": [asdict(rule) for rule in o.rules],
        "incidents": {
            "gained": [_formed(o, formed) for formed in o.difference.gained],
            "lost": [_formed(o, formed) for formed in o.difference.lost],
            "moved": [_moved(o, moved) for moved in o.difference.moved],
            "joined": [_formed(o, formed) for formed in o.difference.joined],
            "split": [_formed(o, formed) for formed in o.difference.split],
            "same": o.difference.same,
        },
        "effect": {
            "work": asdict(effect.work),
            "delay": asdict(effect.delay),
            "found": asdict(effect.found),
            "euros": round(effect.total, 2),
            "unpriced": effect.unpriced,
        },
        "prices": [asdict(price) for price in o.prices.values()],
        "changed": list(o.changed),
        "left_out": list(o.left_out),
        "notes": list(o.notes),
    }


def _formed(outcome: Outcome, formed: Formed) -> dict[str, object]:
    incident = formed.incident
    return {
        "number": outcome.number(formed),
        "title": incident.title,
        "category": incident.category,
        "severity": incident.severity.name.lower(),
        "started_at": iso(incident.started_at),
        "opened_at": iso(incident.opened_at),
        "closed_at": iso(incident.closed_at) if incident.closed_at else None,
        "community": incident.community,
        "zone": incident.zone,
        "feeder": incident.feeder,
        "cause": incident.cause,
        "why": formed.why,
        "signs": sorted(f"{rule}/{device}" for rule, device in formed.signs),
        "requests": len(incident.requests),
    }


def _moved(outcome: Outcome, moved: Moved) -> dict[str, object]:
    price = outcome.prices[moved.before.incident.category]
    changed = shift(outcome.city, price, moved)
    return {
        **_formed(outcome, moved.before),
        "opened_at_after": iso(moved.after.opened),
        "earlier_min": round(moved.earlier / MINUTE, 1),
        "m3": round(changed.m3, 1),
        "kwh": round(changed.kwh, 1),
        "euros": round(changed.euros, 2),
    }
