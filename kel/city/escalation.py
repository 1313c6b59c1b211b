"""`escalation.toml`: who is called when nobody has acknowledged; a city without it calls nobody.

Laws:
- whom a step or the roster names is a contact of the file, or `on-call`;
- where anything calls `on-call`, somebody is on duty at every hour of the week.
"""

from collections.abc import Iterator
from datetime import time, timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, ValidationInfo, field_validator

from kel.city.entries import Entry
from kel.city.fields import WEEKDAYS, Clock, Days, Duration, Id, Text
from kel.city.mappings import TAKEN
from kel.city.reader import Reader
from kel.city.records import Found, suggest
from kel.model.alert import Severity
from kel.model.escalation import ON_CALL, Duty, Escalation, QuietHours, Step
from kel.model.mistake import Mistake

FILE = "escalation.toml"
TOPIC_WORDS = frozenset({"requests"})  # the last level of what citizens' desks send


def _severity(name: object) -> Severity:
    known = {s.name.lower(): s for s in Severity}
    if not isinstance(name, str) or name not in known:
        raise ValueError(f"{name!r} is no severity; known: {', '.join(known)}")
    return known[name]


Grade = Annotated[Severity, BeforeValidator(_severity)]


class QuietEntry(Entry):
    start: Clock
    end: Clock
    severity: Grade

    @field_validator("end")
    @classmethod
    def _some_hours(cls, end: time, info: ValidationInfo) -> time:
        if end == info.data.get("start"):
            raise ValueError("quiet hours that end when they start have no length")
        return end


class ContactEntry(Entry):
    id: Id
    name: Text

    @field_validator("id")
    @classmethod
    def _free(cls, id_: str) -> str:
        if id_ in TOPIC_WORDS or id_ == ON_CALL:
            raise ValueError(f"{id_} is a word of KEL's own")
        return id_


class DutyEntry(Entry):
    who: str
    days: Days
    start: Clock
    end: Clock


class StepEntry(Entry):
    after: Duration
    every: Duration
    severity: Grade
    call: str = ON_CALL


class OrdersEntry(Entry):
    every: Duration
    severity: Grade
    call: str = ON_CALL


class EscalationEntry(Entry):
    margin: Duration | None = None
    quiet: QuietEntry | None = None
    contact: tuple[ContactEntry, ...] = ()
    duty: tuple[DutyEntry, ...] = ()
    step: tuple[StepEntry, ...] = ()
    orders: OrdersEntry | None = None


def read_escalation(folder: Path) -> tuple[Escalation, list[Mistake]]:
    """What the folder says about calls, and what is wrong with it."""
    if not (folder / FILE).exists():
        return Escalation(), []
    reader = Reader(folder)
    found = reader.single(FILE, EscalationEntry)
    if found is None:
        return Escalation(), reader.mistakes
    return _build(found.entry), [*reader.mistakes, *_check(found)]


def _check(found: Found[EscalationEntry]) -> Iterator[Mistake]:
    entry, seen = found.entry, set[str]()
    roots = {topic.split("/")[0] for topic in TAKEN}  # a login may write below its own name
    for n, contact in enumerate(entry.contact):
        if contact.id in seen:
            yield found.record.mistake(("contact", n, "id"), f"{contact.id} stands here twice")
        if contact.id in roots:
            what = f"the topics of a format begin with {contact.id}, and logins are ids"
            yield found.record.mistake(("contact", n, "id"), what)
        seen.add(contact.id)
    known = frozenset(seen)
    for n, duty in enumerate(entry.duty):
        if duty.who not in known:
            what = f"there is no contact {duty.who}{suggest(duty.who, known)}"
            yield found.record.mistake(("duty", n, "who"), what)
    called: list[tuple[tuple[str | int, ...], str]] = [
        (("step", n, "call"), step.call) for n, step in enumerate(entry.step)
    ]
    if entry.orders is not None:
        called.append((("orders", "call"), entry.orders.call))
    for place, who in called:
        if who != ON_CALL and who not in known:
            what = f"there is no contact {who}{suggest(who, known | {ON_CALL})}"
            yield found.record.mistake(place, what)
    gap = _gap(entry.duty) if any(who == ON_CALL for _, who in called) else None
    if gap is not None:
        what = f"nobody is on duty on {WEEKDAYS[gap[0]]} at {gap[1]:%H:%M}"
        yield found.record.mistake(("duty",), what)


def _gap(roster: tuple[DutyEntry, ...]) -> tuple[int, time] | None:
    """The first minute of the week at which nobody is on duty, None where somebody always is."""
    minutes = bytearray(7 * 1440)
    for duty in roster:
        begin = duty.start.hour * 60 + duty.start.minute
        length = (duty.end.hour * 60 + duty.end.minute - begin) % 1440 or 1440
        for day in duty.days:
            for minute in range(day * 1440 + begin, day * 1440 + begin + length):
                minutes[minute % len(minutes)] = 1
    first = minutes.find(0)
    if first < 0:
        return None
    return first // 1440, time(first % 1440 // 60, first % 60)


def _build(e: EscalationEntry) -> Escalation:
    quiet = QuietHours(e.quiet.start, e.quiet.end, e.quiet.severity) if e.quiet else None
    orders = (
        Step(timedelta(0), e.orders.every, e.orders.severity, e.orders.call) if e.orders else None
    )
    return Escalation(
        steps=tuple(Step(s.after, s.every, s.severity, s.call) for s in e.step),
        roster=tuple(Duty(d.who, d.days, d.start, d.end) for d in e.duty),
        quiet=quiet,
        contacts={c.id: c.name for c in e.contact},
        margin=e.margin,
        orders=orders,
    )
