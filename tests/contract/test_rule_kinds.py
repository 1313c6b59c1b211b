"""What every kind of rule promises, whatever it watches.

A stream is rows and ticks; a tick says that all rows up to its moment were handed on. However the
stream is arranged (rows of different devices in any order, rows ahead of their tick), cut into
frames, ticked more often, delivered twice, or carried over a restart: the alerts are the same.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kel.model.alert import Alert
from kel.model.mistake import MistakesError
from kel.model.moment import to_us
from rules.evaluate import SHUT, Evaluator
from rules.kinds import KINDS
from tests.builders.calendars import is_open
from tests.builders.kinds.case import Case
from tests.builders.kinds.registry import CASES
from tests.builders.rules_city import CLASSES, DEVICES, MINUTE, city, frame, rulebook
from tests.builders.rules_reference import Reference

CITY = city()


# kinds that judge a device by others, so that it matters to one who else is watched
BY_OTHERS = {"compare", "composition", "leak_signature", "zone_balance"}

Row = tuple[int, int, dict[str, float]]
Item = Row | int  # a row, or a tick


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def watched(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


def test_every_kind_has_a_case() -> None:
    assert {c.kind for c in CASES.values()} == set(KINDS)


def draw_rows(rng: Random, case: Case) -> list[Row]:
    """Rows in order of time; half of what could be reported is, often the same again."""
    rows: list[Row] = []
    lucky = rng.choice((0.1, 0.5, 0.9))
    held: dict[tuple[int, str], float] = {}
    classes = case.classes
    for step in range(1, case.steps):
        for number in case.numbers:
            if rng.random() < lucky:
                for metric, values in case.values.items():
                    if (number, metric) not in held or rng.random() < 0.4:
                        held[number, metric] = rng.choice(values)
                told = {metric: held[number, metric] for metric in case.values}
                own = CLASSES[classes[number]] if number in classes else told
                told = {m: v for m, v in told.items() if m in own}
                rows.append((case.start + step * case.step, number, told))
    return rows


def draw_stream(rng: Random, case: Case, rows: list[Row]) -> list[Item]:
    """The rows in some order, with ticks: none before all rows up to it, the first at the start."""
    ticks = sorted(rng.sample(range(1, case.steps), rng.randrange(8)))
    moments = [case.start, *(case.start + t * case.step for t in ticks)]
    moments.append(case.start + (case.steps + 60) * case.step)
    stream: list[Item] = [moments[0]]
    waiting = list(rows)
    for moment in moments[1:]:
        later: set[int] = set()  # devices of which a row waits: their later rows wait too
        queues: dict[int, list[Row]] = {}
        for row in waiting:
            if row[0] <= moment or (row[1] not in later and rng.random() < 0.3):
                queues.setdefault(row[1], []).append(row)
            else:
                later.add(row[1])
        order = [number for number, queue in queues.items() for _ in queue]
        rng.shuffle(order)
        handed = [queues[number].pop(0) for number in order]
        waiting = [row for row in waiting if row not in handed]
        stream += [*handed, moment]
    return stream


def often(case: Case, rows: list[Row]) -> list[Item]:
    """The same rows in order of time, one by one, with a tick at every half step."""
    half = case.step // 2
    stream: list[Item] = []
    for n in range(2 * case.steps + 121):
        moment = case.start + n * half
        stream += [r for r in rows if moment - half < r[0] <= moment]
        stream.append(moment)
    return stream


def evaluator(case: Case) -> Evaluator:
    return Evaluator(rulebook(*case.rules, of=CITY), CITY, DEVICES)


def give(engine: Evaluator, case: Case, stream: Iterable[Item], cut: Any = None) -> list[Alert]:
    """Hand the stream on; `cut()` says whether a frame ends here."""
    alerts: list[Alert] = []
    batch: list[Row] = []
    for item in stream:
        if not isinstance(item, int):
            batch.append(item)
        if isinstance(item, int) or (cut is None or cut()):
            alerts += hand_on(engine, case, batch)
            batch = []
        if isinstance(item, int):
            alerts += engine.tick(item)
    return alerts + hand_on(engine, case, batch)


def hand_on(engine: Evaluator, case: Case, batch: list[Row]) -> list[Alert]:
    """One frame a class; rows of a device that the city does not have go with the first class."""
    classes = case.classes
    first = next(iter(classes.values()))
    alerts: list[Alert] = []
    for cls in dict.fromkeys(classes.values()):
        rows = [row for row in batch if classes.get(row[1], first) == cls]
        alerts += engine.frame(frame(cls, rows)) if rows else []
    return alerts


def last_words(alerts: Iterable[Alert]) -> set[Alert]:
    """Each alert as it was told last: cleared where it was cleared."""
    told = {alert.id: alert for alert in alerts}
    return set(map(as_key, told.values()))


def as_key(alert: Alert) -> Any:
    facts = tuple(alert.evidence.facts.items())
    return replace(alert, evidence=replace(alert.evidence, facts=facts))


def spans(alerts: Iterable[Alert]) -> set[tuple[Any, ...]]:
    return {
        (
            a.rule,
            a.device,
            to_us(a.started_at),
            to_us(a.detected_at),
            to_us(a.cleared_at) if a.cleared_at else None,
        )
        for a in last_words(alerts)
    }


def prove(check: Callable[[Random], None], examples: int = 40) -> None:
    """Check many seeded streams; a seed is drawn, since drawing each value would cost minutes."""

    def seeded(seed: int) -> None:
        check(Random(seed))

    settings(max_examples=examples, deadline=None, database=None, derandomize=True)(
        given(st.integers(0, 2**32))(seeded)
    )()


def coin(rng: Random) -> Callable[[], bool]:
    chance = rng.choice((0.0, 0.1, 0.5))
    return lambda: rng.random() < chance


def test_agrees_with_the_plain_reference_however_arranged_and_cut(watched: Case) -> None:
    def check(rng: Random) -> None:
        rows = draw_rows(rng, watched)
        stream = draw_stream(rng, watched, rows)
        reference = Reference(rulebook(*watched.rules, of=CITY), CITY, DEVICES)
        for item in often(watched, rows):
            reference.tick(item) if isinstance(item, int) else reference.row(*item)
        alerts = give(evaluator(watched), watched, stream, coin(rng))
        assert spans(alerts) == reference.alerts()
        assert last_words(alerts) == last_words(
            give(evaluator(watched), watched, often(watched, rows))
        )

    prove(check)


def test_rows_behind_the_ticks_are_judged_alike_however_cut(watched: Case) -> None:
    def check(rng: Random) -> None:
        rows = draw_rows(rng, watched)
        stream: list[Item] = list(rows)
        for _ in range(rng.randint(1, 6)):
            place = rng.randint(0, len(stream))
            ahead = rng.randint(0, watched.steps + 10) * watched.step
            stream.insert(place, watched.start + ahead)
        reference = Reference(rulebook(*watched.rules, of=CITY), CITY, DEVICES)
        for item in [*stream, watched.start + 200 * watched.step]:
            reference.tick(item) if isinstance(item, int) else reference.row(*item)
        stream.append(watched.start + 200 * watched.step)
        whole = give(evaluator(watched), watched, stream, lambda: False)
        assert spans(whole) == reference.alerts()
        assert last_words(whole) == last_words(give(evaluator(watched), watched, stream))

    prove(check)


def test_state_goes_over_a_restart(watched: Case) -> None:
    def check(rng: Random) -> None:
        stream = draw_stream(rng, watched, draw_rows(rng, watched))
        place = rng.randint(0, len(stream))
        before, after = evaluator(watched), evaluator(watched)
        told = give(before, watched, stream[:place], coin(rng))
        after.load(before.state())
        told += give(after, watched, stream[place:])
        assert told_in_order(told) == told_in_order(give(evaluator(watched), watched, stream))

    prove(check, 15)


def told_in_order(alerts: Iterable[Alert]) -> set[Any]:
    """All that was told, fired and cleared."""
    return set(map(as_key, alerts))


def test_what_is_delivered_twice_counts_once(watched: Case) -> None:
    def check(rng: Random) -> None:
        rows = draw_rows(rng, watched)
        stream = draw_stream(rng, watched, rows)
        again: list[Item] = []
        for place, item in enumerate(stream, 1):
            again.append(item)
            if rng.random() < 0.1:
                again += stream[rng.randrange(place) : place]
        once = give(evaluator(watched), watched, stream)
        engine = evaluator(watched)
        twice = give(engine, watched, again, coin(rng))
        assert last_words(twice) == last_words(once)
        assert len(twice) == len(once)
        known = {d.number for d in DEVICES}
        extra = [i for i in again if not isinstance(i, int) and i[1] in known]
        assert engine.late == len(extra) - len([r for r in rows if r[1] in known])

    prove(check, 15)


def test_no_alert_for_who_is_not_watched(watched: Case) -> None:
    others = [d for d in DEVICES if d.number not in watched.numbers and d.cls != "feeder"]
    engine = Evaluator(rulebook(*watched.rules, of=CITY), CITY, others)
    rows = [
        (watched.start + n * watched.step, number, {m: v[0] for m, v in watched.values.items()})
        for n in range(1, watched.steps)
        for number in watched.numbers
    ]
    alerts = give(engine, watched, [watched.start, *rows, watched.start + 99 * watched.step])
    assert not {a.device for a in alerts} & {d.id for d in DEVICES if d.number in watched.numbers}


def test_outside_its_calendars_a_rule_is_silent(watched: Case) -> None:
    """Nothing begins, is detected or goes on there, and what ended with them says so."""
    if not KINDS[watched.kind].calendars:
        with pytest.raises(MistakesError, match="has no calendars"):
            rulebook(*in_spells(watched), of=CITY)
        return

    def check(rng: Random) -> None:
        stream = draw_stream(rng, watched, draw_rows(rng, watched))
        engine = Evaluator(rulebook(*in_spells(watched), of=CITY), CITY, DEVICES)
        told = [*give(engine, watched, stream, coin(rng)), *engine.tick(watched.start + 10**12)]
        for alert in last_words(told):
            assert is_open(CITY, ["spells"], "drosia", to_us(alert.detected_at))
            assert alert.cleared_at is not None
            last = to_us(alert.cleared_at) - 1
            minutes = range(to_us(alert.detected_at), last, MINUTE)
            assert all(is_open(CITY, ["spells"], "drosia", m) for m in (*minutes, last))
            shut = not is_open(CITY, ["spells"], "drosia", last + 1)
            assert shut is (alert.cleared_why == SHUT)

    prove(check, 10)


def in_spells(case: Case) -> list[Mapping[str, str]]:
    *others, rule = case.rules
    return [*others, {**rule, "when": '"spells"'}]


def test_who_stays_watched_is_remembered_when_others_join(watched: Case) -> None:
    """A rule that takes more devices than it did goes on, at those that it took, as if it always
    had; unless it judges devices by each other."""
    spec, (*_, rule) = KINDS[watched.kind], watched.rules
    one = next(d for d in DEVICES if d.number == watched.numbers[0])
    alone = spec.together(one) == one.id and watched.kind not in BY_OTHERS
    if not alone or "devices" in rule["watch"]:
        return
    fewer = {**rule, "watch": rule["watch"].replace("}", f', devices=["{one.id}"]}}')}
    before = rulebook(*watched.rules[:-1], fewer, of=CITY)

    def check(rng: Random) -> None:
        rows = [r for r in draw_rows(rng, watched) if r[1] == one.number]
        stream = draw_stream(rng, watched, rows)
        place = rng.randint(0, len(stream))
        old, new, always = Evaluator(before, CITY, DEVICES), evaluator(watched), evaluator(watched)
        told = give(old, watched, stream[:place])
        new.load(old.state())
        told += give(new, watched, stream[place:])
        expected = give(always, watched, stream)
        mine = {s for s in spans(told) if s[1] == one.id}
        assert mine == {s for s in spans(expected) if s[1] == one.id}

    prove(check, 10)


def test_an_alert_is_told_firing_before_cleared_and_names_what_it_is_about(watched: Case) -> None:
    def check(rng: Random) -> None:
        stream = draw_stream(rng, watched, draw_rows(rng, watched))
        book = rulebook(*watched.rules, of=CITY)
        firing: dict[Any, Alert] = {}
        for alert in give(Evaluator(book, CITY, DEVICES), watched, stream):
            assert alert.rulebook == book.version and alert.kind == watched.kind
            assert alert.evidence.cls in watched.classes.values()
            assert alert.evidence.since <= alert.started_at <= alert.detected_at
            assert alert.evidence.until == alert.detected_at
            assert {"limit", "unit"} <= set(alert.evidence.facts)
            if alert.cleared_at is None:
                assert alert.device not in firing
                firing[alert.device] = alert
            else:
                fired = firing.pop(alert.device)
                assert alert.cleared_why and alert.cleared_at >= alert.detected_at
                assert replace(alert, cleared_at=None, cleared_why=None) == fired

    prove(check, 10)


def test_a_partition_with_hardly_a_device_is_no_trouble(watched: Case) -> None:
    """A worker may have no device of a rule's class, or one alone: what it remembers goes over a
    restart, too."""
    book = rulebook(*watched.rules, of=CITY)
    first = {cls: n for n, cls in sorted(watched.classes.items(), reverse=True)}

    def check(rng: Random) -> None:
        stream = draw_stream(rng, watched, draw_rows(rng, watched))
        place = rng.randint(0, len(stream))
        for here in ((), *((number,) for number in first.values())):
            devices = [d for d in DEVICES if d.number in here]
            one, before, after = (Evaluator(book, CITY, devices) for _ in "123")
            told = give(before, watched, stream[:place], coin(rng))
            after.load(before.state())
            told += give(after, watched, stream[place:])
            assert told_in_order(told) == told_in_order(give(one, watched, stream))
            assert here or not told

    prove(check, 5)
