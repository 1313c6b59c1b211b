"""A backtest from the database: two rulebooks over the same stored readings, and the difference.

Laws:
- both rulebooks get the same rows, the same warm-up and the same citizens' requests;
- where the history is not what was asked for, it is said: kept for less, stored coarser, not there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count

from psycopg import Connection

from kel.ahead import ahead
from kel.backtest.alerts import busiest_hour, compare_alerts
from kel.backtest.effect import categories_of, effect_of
from kel.backtest.incidents import Formed, compare_incidents, form
from kel.backtest.judged import Judged, changed_rules, judgeable, known
from kel.backtest.memory import classes_of, memory_of
from kel.backtest.notes import (
    changed_note,
    short_note,
    strangers_note,
    unpriced_note,
    until_note,
    warmed_note,
)
from kel.backtest.outcome import Load, Outcome
from kel.backtest.prices import price_of, usual_times
from kel.backtest.replay import Replay
from kel.backtest.storage import StoredDay
from kel.backtest.stretch import DAY_US, Stretch
from kel.model.alert import Alert
from kel.model.city import City
from kel.model.device import DeviceClass, DeviceState
from kel.model.moment import from_us, to_us
from kel.run.backtest import Heard, unheard
from kel.run.cityfiles import CityFiles
from kel.store.connect import named, query
from kel.store.load import numbered
from kel.store.past_frames import read_frame, stored_days, stored_metrics, stored_span
from kel.store.past_ledger import past_numbers, past_requests, past_settled, past_silences
from rules.book.rulebook import Rulebook

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Stored:
    """What the database keeps of the classes that the rulebooks watch, from warm-up to end."""

    since: datetime
    until: datetime
    metrics: Mapping[str, list[str]]  # by class, of those that have a table
    days: Mapping[str, list[StoredDay]]
    first: Mapping[str, datetime]  # the first reading kept, by class

    @property
    def rows(self) -> int:
        return sum(day.rows for days in self.days.values() for day in days)


def look(
    connection: Connection,
    city: City,
    books: tuple[Rulebook, ...],
    since: datetime,
    until: datetime,
) -> Stored:
    """What is stored for these rulebooks, beginning as long before `since` as they remember."""
    begin = since - max(memory_of(book, city) for book in books)
    classes = {cls for book in books for rule in book.rules for cls in classes_of(rule)}
    metrics, days, first = {}, {}, {}
    for cls in sorted(classes):
        known = city.classes.get(cls)
        if known is None:
            raise LookupError(f"the other city has no device class {cls!r}, which a rule watches")
        if not (names := stored_metrics(connection, known)):
            continue
        metrics[cls] = names
        days[cls] = stored_days(connection, known, begin, until)
        if span := stored_span(connection, known):
            first[cls] = span[0]
    stored = Stored(begin, until, metrics, days, first)
    if not stored.rows:
        raise LookupError(f"no readings are stored for these days in {named(connection)}")
    return stored


def alerts_of(
    connection: Connection, files: CityFiles, span: Span, heard: Heard = unheard
) -> tuple[list[Alert], list[str]]:
    """The alerts that one rulebook detects in the span, and what is to be said of the history."""
    city = numbered(connection, files.city)
    span, notes = _until(connection, city, span)
    stored = look(connection, city, (files.rulebook,), *span)
    judged, more = _judged((files.rulebook,), city, stored, span[0])
    replay = Replay(judged.books[0], city)
    _feed(connection, city, stored, [replay], heard)
    return _detected(known(replay.alerts, stored.days), span), [*notes, *more]


def compare(
    connection: Connection, before: CityFiles, after: CityFiles, span: Span, heard: Heard = unheard
) -> Outcome:
    """What the rulebook `after` would have made of the span, beside `before`."""
    city = numbered(connection, before.city)
    other, strangers = _known(connection, after.city)
    cities = city, other
    span, notes = _until(connection, city, span)
    notes += strangers_note(strangers)
    books = before.rulebook, after.rulebook
    stored = look(connection, cities[1], books, *span)
    judged, more = _judged(books, cities[1], stored, span[0])
    notes += more
    replays = [Replay(book, one) for book, one in zip(judged.books, cities, strict=True)]
    _feed(connection, cities[1], stored, replays, heard)
    alerts = [known(replay.alerts, stored.days) for replay in replays]

    settled = past_settled(connection)
    usual = usual_times(settled)
    requests = past_requests(connection, stored.since, span[1])
    silences = past_silences(connection, stored.since, span[1])
    formed = [
        _opened(form(one, told, requests, span[1], usual, silences), span)
        for one, told in zip(cities, alerts, strict=True)
    ]
    detected = [_detected(told, span) for told in alerts]
    difference = compare_incidents(city, formed[0], formed[1], span[1])
    prices = {c: price_of(cities[1], settled, c) for c in categories_of(difference)}
    effect = effect_of(city, difference, prices)
    notes += unpriced_note(city, prices.values(), effect.unpriced)
    changed = changed_rules(*books)
    notes += changed_note(changed, judged.out, books[0].version == books[1].version)
    loads = [
        Load(len(told), len(incidents), busiest_hour(told))
        for told, incidents in zip(detected, formed, strict=True)
    ]
    return Outcome(
        city,
        *span,
        warmed=stored.since,
        rows=stored.rows,
        books=(books[0].version, books[1].version),
        before=loads[0],
        after=loads[1],
        rules=compare_alerts(detected[0], detected[1], span[1]),
        difference=difference,
        prices=prices,
        effect=effect,
        numbers=past_numbers(connection, stored.since, span[1]),
        changed=changed,
        left_out=sorted(judged.out),
        notes=notes,
    )


def _known(connection: Connection, city: City) -> tuple[City, list[str]]:
    """The city with the database's numbers, and its new devices, which nothing is known of: they
    are listed and not judged, as drafts are."""
    rows: list[tuple[str, int]] = connection.execute("SELECT id, number FROM device").fetchall()
    numbers = dict(rows)
    strangers = sorted(city.devices.keys() - numbers.keys())
    free = count(max(numbers.values(), default=0) + 1)
    devices = {
        d.id: replace(d, number=numbers[d.id])
        if d.id in numbers
        else replace(d, number=next(free), state=DeviceState.DRAFT)
        for d in city.devices.values()
    }
    return replace(city, devices=devices), strangers


def _until(connection: Connection, city: City, span: Span) -> tuple[Span, list[str]]:
    """The span as far as time has come in this database."""
    since, until = span
    if since >= until:
        raise ValueError("--from must be before --to")
    row = connection.execute(query("desk_clock")).fetchone()
    now: datetime | None = row[0] if row else None
    if now is None or until <= now:
        return span, []
    if now <= since:
        raise LookupError(f"this database has come to {now:%F %H:%M} UTC: there is nothing since")
    return (since, now), [until_note(city, now)]


def _judged(
    books: tuple[Rulebook, ...], city: City, stored: Stored, since: datetime
) -> tuple[Judged, list[str]]:
    """The rulebooks without what this history cannot answer, and what is to be said of it."""
    notes = [warmed_note(city, stored.since)]
    notes += short_note(city, stored.first, stored.since, since)
    judged = judgeable(books, city, stored.days)
    return judged, [*notes, *judged.notes]


def _feed(
    connection: Connection, city: City, stored: Stored, replays: list[Replay], heard: Heard
) -> None:
    done = 0
    for stretch in _stretches(connection, city.classes, stored):
        for replay in replays:
            replay.feed(stretch)
        done += len(stretch)
        heard(done, stored.rows, stretch.last)


def _stretches(
    connection: Connection, classes: Mapping[str, DeviceClass], stored: Stored
) -> Iterator[Stretch]:
    """Day by day; the next ones are read meanwhile."""
    begin, end = to_us(stored.since), to_us(stored.until)
    first = min(days[0].day for days in stored.days.values() if days)
    begin = max(begin, to_us(first))

    def read(day: int) -> Stretch:
        since, until = max(begin, day * DAY_US), min(end, (day + 1) * DAY_US)
        frames = [
            read_frame(connection, classes[cls], from_us(since), from_us(until), names)
            for cls, names in stored.metrics.items()
        ]
        return Stretch(since, until - 1, tuple(frame for frame in frames if len(frame)))

    return ahead(read, range(begin // DAY_US, (end - 1) // DAY_US + 1))


def _detected(alerts: Sequence[Alert], span: Span) -> list[Alert]:
    return [alert for alert in alerts if span[0] <= alert.detected_at < span[1]]


def _opened(formed: list[Formed], span: Span) -> list[Formed]:
    return [one for one in formed if span[0] <= one.opened < span[1]]
