"""How signs are cut into batches, and where the desk starts again, makes no difference."""

import pickle
import random
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kel.model.alert import Severity
from kel.model.escalation import Duty, Escalation, QuietHours, Step
from kel.model.situation import Changes, Inputs
from rules.incidents.correlate import correlate
from tests.builders.city import WEEK, alert, at, cleared, request, small_city
from tests.builders.incidents import Day, command, moment_of

MINUTE = timedelta(minutes=1)
CITY = small_city(
    escalation=Escalation(
        steps=(
            Step(15 * MINUTE, 10 * MINUTE, Severity.HIGH),
            Step(40 * MINUTE, 30 * MINUTE, Severity.MEDIUM, "boss"),
        ),
        roster=(Duty("duty", WEEK, time(0), time(0)),),
        quiet=QuietHours(time(23), time(7), Severity.CRITICAL),
        contacts={"duty": "Επιφυλακή", "boss": "Μηχανικός"},
    )
)
END = at("12:00", day=6)
NOISE = alert(CITY, "ls-01", "service_leak", at("03:10"))
LAMP = alert(CITY, "la-01-002", "lamp", at("03:00"), verify=timedelta(hours=2))
FEEDER = alert(CITY, "fc-01", "feeder", at("02:58"))
PUMP = alert(CITY, "ps-01", "pump", at("02:00"), at("03:10"))
ZONE_2 = alert(CITY, "zm-02", "low_pressure", at("03:20"), verify=timedelta(hours=1))


def _flapping() -> list[Any]:
    signs: list[Any] = []
    for n in range(6):
        fired = alert(CITY, "zm-01", "low_pressure", at("09:00") + n * 20 * MINUTE, rule="gauge")
        signs += [fired, cleared(fired, fired.detected_at + 5 * MINUTE)]
    return signs


SIGNS: list[Any] = sorted(
    [
        alert(CITY, "ls-01", "low_pressure", at("02:42")),
        alert(CITY, "zm-01", "main_burst", at("02:40"), at("02:50")),
        FEEDER,
        LAMP,
        cleared(FEEDER, at("04:00")),  # the lamp outlives it, and speaks at 06:00
        request("low_pressure", at("03:05"), 38.134),
        PUMP,
        ZONE_2,  # hushed by the pump, hidden when it would speak
        cleared(PUMP, at("05:00")),
        alert(CITY, "fc-02", "feeder", at("03:15")),
        NOISE,
        cleared(NOISE, at("04:10")),
        alert(CITY, "cam-01", "fire", at("05:15"), severity=Severity.HIGH),
        alert(CITY, "fs-01", "fire", at("05:20"), severity=Severity.HIGH),
        *_flapping(),
        command(
            "silence", "", "05:30", why="έργα", zone="z02", ends_at=at("10:00", 6).isoformat(),
            days="wed,thu", since="05:00", until="08:00",
        ),
        command("silence", "", "08:00", why="έργα", zone="z01", ends_at=at("09:30").isoformat()),
        command("unsilence", "", "09:10", silence="Σ-2026-0002"),
        command("acknowledge", "2026-0001", "03:30"),
        command("acknowledge", "2026-0009", "03:31"),
        command("hand_on", "2026-0004", "03:40", to="ΔΕΔΔΗΕ", ask_at=at("11:00", 5).isoformat()),
        command("close", "2026-0005", "10:00", why="ψευδής", force="yes"),
    ],
    key=lambda s: (moment_of(s), str(s.id)),
)  # fmt: skip


def run(cuts: list[int], restart: bool = False) -> tuple[Day, list[Any]]:
    day, answers = Day(CITY), list[Any]()
    for start, end in zip([0, *cuts], [*cuts, len(SIGNS)], strict=True):
        if restart:
            day.situation = pickle.loads(pickle.dumps(day.situation))
        if SIGNS[start:end]:
            answers += day.put(*SIGNS[start:end]).answers
    day.put(now=END)
    return day, answers


def outcome(cuts: list[int], restart: bool = False) -> dict[str, Any]:
    day, answers = run(cuts, restart)
    return {
        "incidents": {**day.situation.incidents, **day.ended},
        "events": sorted((e.at, e.what, str(e.id), e.why) for e in day.events),
        "calls": {m.id: m for m in day.calls},
        "hidden": day.hidden,
        "silences": day.situation.silences,
        "answers": answers,
        "alerts": set(day.situation.alerts),
    }


WHOLE = outcome([])


def test_the_day_has_something_of_everything() -> None:
    told = {what for _, what, _, _ in WHOLE["events"]}
    assert told >= {"opened", "hushed", "joined", "raised", "called", "flapping", "spoke"}
    assert told >= {"handed_on", "ask_again", "acknowledged", "closed", "cleared"}
    assert {h.spoke for h in WHOLE["hidden"].values()} == {True, False}
    assert any(h.dismissed for h in WHOLE["hidden"].values())
    assert {a.done for a in WHOLE["answers"]} == {True, False}
    assert len(WHOLE["calls"]) > 5


@settings(max_examples=40, deadline=None)
@given(st.sets(st.integers(1, len(SIGNS) - 1), max_size=12), st.booleans())
def test_the_cut_into_batches_makes_no_difference(cuts: set[int], restart: bool) -> None:
    assert outcome(sorted(cuts), restart) == WHOLE


@pytest.mark.parametrize("seed", range(3))
def test_looking_again_and_again_in_between_makes_no_difference(seed: int) -> None:
    day = Day(CITY)
    dice = random.Random(seed)
    moment: datetime = moment_of(SIGNS[0])
    for sign in SIGNS:
        while moment + 17 * MINUTE < moment_of(sign):
            moment += dice.randrange(1, 17) * MINUTE
            day.put(now=moment)
        day.put(sign)
        moment = moment_of(sign)
    day.put(now=END)
    assert {**day.situation.incidents, **day.ended} == WHOLE["incidents"]
    assert {m.id: m for m in day.calls} == WHOLE["calls"]


def test_nothing_is_told_twice() -> None:
    day, _ = run(list(range(1, len(SIGNS))))
    assert len({e.id for e in day.events}) == len(day.events)
    assert len({m.id for m in day.calls}) == len(day.calls)


def test_the_same_signs_again_change_nothing_but_answers() -> None:
    """After a restart the inbox may be read once more: every id is the same, nothing is new."""
    day = Day(CITY)
    for sign in SIGNS:
        before = day.situation.copy()
        first = day.put(sign)
        again = correlate(CITY, before, _inputs(sign))
        assert again == first  # the same decision, with the same ids
        repeated = correlate(CITY, day.situation, _inputs(sign))
        repeated.answers.clear()
        known = {e.id for e in day.events} | set(day.situation.silences)
        told = {e.id for e in repeated.incident_events} | set(repeated.silences)
        assert told <= known
        assert not repeated.outbox


def _inputs(sign: Any) -> Inputs:
    def of(kind: str) -> tuple[Any, ...]:
        return (sign,) if type(sign).__name__ == kind else ()

    return Inputs(moment_of(sign), of("Alert"), of("Request"), (), of("Command"))


def test_the_situation_given_is_left_as_it_is() -> None:
    day = Day(CITY)
    for sign in SIGNS:
        before = day.situation.copy()
        correlate(CITY, day.situation, _inputs(sign))
        assert day.situation == before
        day.put(sign)


def test_changes_stand_for_themselves() -> None:
    """What is applied is what was decided: the working copy holds nothing else."""
    day = Day(CITY)
    changes = Changes()
    for sign in SIGNS:
        changes.add(day.put(sign))
    for incident in day.situation.incidents.values():
        assert changes.incidents[incident.id] == incident
    assert {a for i in day.situation.incidents.values() for a in i.alerts} | set(
        day.situation.hidden
    ) == set(day.situation.alerts)
    assert replace(CITY) == CITY


def test_what_only_now_became_possible_happens_now() -> None:
    """It would have passed an hour ago had somebody seen it; nothing happens in the past."""
    day = Day(CITY)
    smoke = alert(CITY, "cam-01", "fire", at("05:15"), severity=Severity.HIGH)
    seen = command("acknowledge", "2026-0001", "09:00")
    other = alert(CITY, "zm-01", "low_pressure", at("09:30"))
    day.put(smoke, cleared(smoke, at("05:30")), seen, other)
    assert [i.closed_at for i in day.ended.values()] == [at("09:00")]
    moments = [e.at for e in day.events]
    assert moments == sorted(moments)


@pytest.mark.parametrize("together", [True, False])
def test_a_beginning_heard_again_after_its_end_wakes_nothing(together: bool) -> None:
    day = Day(CITY)
    low = alert(CITY, "zm-01", "low_pressure", at("02:40"))
    over = cleared(low, at("03:00"))
    for signs in [[low, over, low]] if together else [[low], [over], [low]]:
        day.put(*signs, now=at("03:10"))
    assert day.situation.alerts == {low.id: over}
    day.put(now=at("04:00"))
    assert [i.closed_at for i in day.ended.values()] == [at("04:00")]


@pytest.mark.parametrize("together", [True, False])
def test_what_was_dismissed_is_forgotten_when_it_clears(together: bool) -> None:
    day = Day(CITY)
    low = alert(CITY, "zm-01", "low_pressure", at("02:40"))
    close = command("close", "2026-0001", "03:00", why="δοκιμή", force="yes")
    over = cleared(low, at("03:30"))
    batches: list[list[Any]] = [[low, close, over]] if together else [[low], [close], [over]]
    for signs in batches:
        day.put(*signs)
    assert not day.situation.hidden and not day.situation.alerts
    assert [h.over_at for h in day.hidden.values()] == [at("03:30")]
