"""Silences: what they hide, what they never hide, and when it is heard after all."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from kel.model.alert import Alert
from tests.builders.city import alert, at, cleared, request
from tests.builders.incidents import CITY, Day, command

LOW = alert(CITY, "zm-01", "low_pressure", at("02:50"))
SMOKE = alert(CITY, "cam-01", "fire", at("02:50"))


def silence(clock: str = "01:00", end: datetime | None = None, **detail: Any) -> Any:
    ends = (end or at("06:00")).isoformat()
    return command("silence", "", clock, why="πλύσιμο δικτύου", **{"ends_at": ends, **detail})


def silent(**detail: Any) -> Day:
    day = Day()
    day.put(silence(**detail))
    (answer,) = day.answers
    assert answer.startswith("Σ-2026-0001: κρύβει ")
    return day


# --- what it hides ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("picks", "hidden"),
    [
        ({"device": "zm-01"}, True),
        ({"device": "zm-02,zm-01"}, True),
        ({"device": "zm-02"}, False),
        ({"zone": "z01"}, True),
        ({"zone": "z02"}, False),
        ({"feeder": "f01"}, False),
        ({"community": "drosia"}, True),
        ({"community": "stamata"}, False),
        ({"rule": "low_pressure"}, True),
        ({"rule": "other"}, False),
        ({"category": "low_pressure"}, True),
        ({"category": "pump"}, False),
        ({"zone": "z01", "rule": "low_pressure"}, True),
        ({"zone": "z01", "rule": "other"}, False),  # all that is named must fit
    ],
)
def test_what_a_silence_hides(picks: dict[str, Any], hidden: bool) -> None:
    day = silent(**picks)
    day.put(LOW)
    assert bool(day.situation.incidents) is not hidden
    assert set(day.situation.hidden) == ({LOW.id} if hidden else set())


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        ({"category": "fire"}, "φωτιά (fire) σιωπά μόνο με το όνομα συσκευής ή κανόνα"),
        ({"zone": "z01", "since": "22:00"}, "όποια επαναλαμβάνεται έχει και τα τρία"),
        ({"zone": "z01", "until": "06:00"}, "όποια επαναλαμβάνεται έχει και τα τρία"),
        (
            {"zone": "z01", "since": "22:00", "until": "06:00"},
            "όποια επαναλαμβάνεται έχει και τα τρία",
        ),
        ({"zone": "z01", "days": "mon"}, "όποια επαναλαμβάνεται έχει και τα τρία"),
    ],
)
def test_a_silence_that_would_not_do_what_it_says_is_refused(
    detail: dict[str, Any], told: str
) -> None:
    day = Day()
    day.put(silence(**detail))
    (answer,) = day.answers
    assert answer.startswith(told)


def test_a_class_of_devices() -> None:
    day = silent(**{"class": "camera", "rule": "fire"})
    day.put(SMOKE, alert(CITY, "fs-01", "fire", at("02:50")))
    assert set(day.situation.hidden) == {SMOKE.id}


@pytest.mark.parametrize(
    ("picks", "hidden"),
    [
        ({"community": "stamata"}, False),
        ({"class": "camera"}, False),
        ({"community": "stamata", "rule": "fire"}, True),
        ({"device": "cam-01"}, True),
    ],
)
def test_a_fire_is_hidden_only_by_a_silence_that_names_it(
    picks: dict[str, Any], hidden: bool
) -> None:
    day = silent(**picks)
    day.put(SMOKE)
    assert bool(day.situation.hidden) is hidden


@pytest.mark.parametrize(
    ("detected", "hidden"),
    [("00:59", False), ("01:00", True), ("05:59", True), ("06:00", False)],
)
def test_it_holds_from_its_start_to_before_its_end(detected: str, hidden: bool) -> None:
    day = Day()
    low = alert(CITY, "zm-01", "low_pressure", at(detected))
    if detected >= "01:00":
        day.put(silence(zone="z01"))
    day.put(low)
    assert bool(day.hidden) is hidden


def test_citizens_are_always_heard() -> None:
    day = silent(community="drosia")
    day.put(request("low_pressure", at("03:00"), 38.134))
    assert day.one.requests


def test_an_incident_that_is_open_when_it_begins_goes_on() -> None:
    day = Day()
    day.put(LOW)
    day.put(silence("03:00", zone="z01"))
    day.put(cleared(LOW, at("03:30")))
    assert day.told("cleared") == ["επανήλθε"]


# --- when it is heard ------------------------------------------------------------------------


def test_what_is_still_active_at_the_end_speaks_then_and_what_cleared_does_not() -> None:
    day = silent(community="drosia")
    dark = alert(CITY, "fc-01", "feeder", at("03:00"))
    day.put(LOW, dark)
    day.put(cleared(dark, at("04:00")))
    day.put(now=at("06:30"))
    assert (day.one.alerts, day.one.opened_at) == ((LOW.id,), at("06:00"))
    assert day.told("opened") == ["κανόνας low_pressure · μετά τη σίγαση Σ-2026-0001"]
    assert not day.situation.hidden and not day.situation.silences
    kept = {h.alert: (h.over_at, h.spoke) for h in day.hidden.values()}
    assert kept == {LOW.id: (at("06:00"), True), dark.id: (at("04:00"), False)}
    assert set(day.situation.alerts) == {LOW.id}


def test_a_lifted_silence_lets_speak_at_once_and_keeps_who_lifted_it() -> None:
    day = silent(zone="z01")
    day.put(LOW)
    lifted = day.put(command("unsilence", clock="04:00", why="τέλος", silence="Σ-2026-0001"))
    (ended,) = lifted.silences.values()
    assert (ended.ended_at, ended.ended_by, ended.ended_why) == (at("04:00"), "Άννα", "τέλος")
    assert day.one.opened_at == at("04:00")
    assert day.answers[-1] == "Σ-2026-0001: άρση, 1 ειδοποίηση ακούγεται"
    again = day.put(command("unsilence", clock="04:10", silence="Σ-2026-0001"))
    assert not again.answers[0].done


@pytest.mark.parametrize(
    ("picks", "told"),
    [
        ({"zone": "z01"}, " (όχι φωτιά) · "),
        ({"class": "fire,camera"}, " (όχι φωτιά) · "),
        ({"class": "fire", "rule": "smoke"}, ""),
        ({"device": "cam-01"}, ""),
        ({"category": "low_pressure"}, ""),
    ],
)
def test_the_answer_says_that_no_fire_is_hidden(picks: dict[str, Any], told: str) -> None:
    (answer,) = silent(**picks).answers
    assert told in answer and ("φωτιά" in answer) == bool(told)


@pytest.mark.parametrize(
    ("other", "signs", "told"),
    [
        ({"zone": "z01,z02"}, (), "δεν έκρυβε τίποτα ενεργό · ισχύει ακόμη η Σ-2026-0002"),
        ({"zone": "z01", "rule": "x"}, (), "τίποτα ενεργό · ισχύει ακόμη η Σ-2026-0002"),
        ({"device": "zm-01"}, (LOW,), "0 ειδοποιήσεις ακούγονται · ισχύει ακόμη η Σ-2026-0002"),
        ({"zone": "z02"}, (LOW,), "1 ειδοποίηση ακούγεται"),
        ({"feeder": "f01"}, (), "δεν έκρυβε τίποτα ενεργό"),
        ({"zone": "z01", "starts_at": at("05:00").isoformat()}, (), "τίποτα ενεργό"),
    ],
)
def test_a_lifted_silence_says_which_still_holds(
    other: dict[str, Any], signs: tuple[Alert, ...], told: str
) -> None:
    day = silent(zone="z01")
    day.put(silence("01:10", **other))
    day.put(*signs, now=at("02:55"))
    day.put(command("unsilence", clock="04:00", silence="Σ-2026-0001"))
    assert day.answers[-1].endswith(told)


def test_of_two_silences_the_later_end_counts() -> None:
    day = silent(zone="z01")
    day.put(silence("01:10", at("08:00"), device="zm-01"))
    day.put(LOW)
    day.put(now=at("07:00"))
    assert not day.situation.incidents
    day.put(now=at("09:00"))
    assert day.one.opened_at == at("08:00")
    (first, last) = sorted(day.hidden.values(), key=lambda h: h.at)
    assert (first.over_at, first.spoke, last.over_at, last.spoke) == (
        at("06:00"),
        False,
        at("08:00"),
        True,
    )


def test_what_speaks_joins_the_incident_that_it_belongs_to() -> None:
    day = silent(device="ls-01")
    noise = alert(CITY, "ls-01", "service_leak", at("02:55"))
    day.put(noise, alert(CITY, "zm-01", "main_burst", at("05:00")))
    day.put(now=at("06:00"))
    assert noise.id in day.one.alerts
    (why,) = day.told("hushed")
    assert why == "το εξηγεί: Θραύση αγωγού — zm-01 · μετά τη σίγαση Σ-2026-0001"


# --- windows that come again -----------------------------------------------------------------

NIGHTS = {"days": "wed,thu", "since": "22:00", "until": "06:00"}


@pytest.mark.parametrize(
    ("day_of_month", "clock", "hidden"),
    [
        (4, "21:59", False),  # Wednesday
        (4, "22:00", True),
        (5, "05:59", True),
        (5, "06:00", False),
        (5, "23:00", True),
        (6, "05:00", True),  # Friday morning belongs to Thursday's night
        (6, "23:00", False),
        (11, "23:00", True),  # the week after
        (18, "23:00", False),  # after its end
    ],
)
def test_a_window_that_comes_again(day_of_month: int, clock: str, hidden: bool) -> None:
    day = silent(zone="z01", ends_at=at("12:00", day=18).isoformat(), **NIGHTS)
    moment = at(clock, day=day_of_month)
    day.put(alert(CITY, "zm-01", "low_pressure", moment), now=moment)
    assert bool(day.situation.hidden) is hidden


def test_a_window_keeps_to_the_clock_on_the_wall_when_the_clocks_change() -> None:
    """29 March 2026, 03:00 → 04:00: the window until 06:00 ends an hour of UTC earlier."""
    nights = {**NIGHTS, "days": "sat"}
    day = silent(zone="z01", ends_at=at("12:00", day=31).isoformat(), **nights)
    low = alert(CITY, "zm-01", "low_pressure", at("23:00", day=28))
    day.put(low)
    day.put(now=at("05:30", day=29))
    assert day.one.opened_at == at("05:00", day=29)  # 03:00 UTC is 06:00 in Athens by then


def test_days_that_touch_are_one_silence() -> None:
    whole = {"days": "wed,thu", "since": "00:00", "until": "00:00"}
    day = silent(zone="z01", ends_at=at("12:00", day=18).isoformat(), **whole)
    day.put(LOW)
    day.put(now=at("12:00", day=5))
    assert not day.situation.incidents
    day.put(now=at("12:00", day=6))
    assert day.one.opened_at == at("00:00", day=6)


# --- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"ends_at": ""}, "ως πότε; η σίγαση έχει τέλος (--until)"),
        ({"ends_at": "soon"}, "--until: «soon» δεν είναι στιγμή…"),
        ({"ends_at": at("00:30").isoformat()}, "η σίγαση τελειώνει αφού αρχίσει…"),
        ({"starts_at": at("07:00").isoformat()}, "η σίγαση τελειώνει αφού αρχίσει…"),
        ({"ends_at": "2027-06-01T00:00+00:00"}, "η σίγαση κρατά το πολύ έναν χρόνο"),
        ({"zone": ""}, "τι να σιωπά; γράψτε ένα από: device, zone, …"),
        ({"zone": "z99"}, "ζώνη z99: δεν υπάρχει· υπάρχουν: z01, z02…"),
        ({"device": "zm-1"}, "συσκευή zm-1: δεν υπάρχει· μοιάζουν: zm-0…"),
        ({"category": "lava"}, "κατηγορία lava: δεν υπάρχει"),
        ({"days": "wed"}, "όποια επαναλαμβάνεται έχει και τα τρία: --days, --from, --to"),
        ({"days": "wed", "since": "22:00", "until": "22:00"}, "--from και --to είναι η ίδια ώρα…"),
        ({"since": "22:00", "until": "23:00"}, "όποια επαναλαμβάνεται έχει…"),
        ({"days": "tod", "since": "22:00", "until": "23:00"}, "«tod» δεν είναι ημέρα…"),
        ({"days": "wed", "since": "25:00", "until": "23:00"}, "--from: «25:00» δεν είναι ώρα…"),
        ({"days": "fri", "since": "22:00", "until": "23:00"}, "καμία από αυτές τις ημέρες…"),
    ],
)
def test_a_silence_that_is_refused(change: dict[str, Any], told: str) -> None:
    day = Day()
    changes = day.put(silence(**{"zone": "z01", **change}))
    assert not changes.silences
    (answer,) = changes.answers
    assert answer.told.startswith(told.removesuffix("…")) and not answer.done


@pytest.mark.parametrize("missing", ["who", "why"])
def test_somebody_must_want_it_and_say_why(missing: str) -> None:
    day = Day()
    changes = day.put(replace(silence(zone="z01"), **{missing: " "}))
    (answer,) = changes.answers
    assert answer.told == "ποιος τη θέλει και γιατί; η σίγαση χρειάζεται και τα δύο"


def test_numbers_of_silences_go_on() -> None:
    day = silent(zone="z01")
    day.put(silence("01:10", zone="z02"))
    assert day.answers[-1].startswith("Σ-2026-0002: ")


def test_a_long_silence_over_many_alerts_is_one_line_each() -> None:
    day = silent(zone="z01", ends_at=at("12:00", day=18).isoformat())
    signs: list[Alert] = []
    for hour in range(2, 20):
        low = alert(CITY, "zm-01", "low_pressure", at(f"{hour:02d}:00"))
        signs += [low, cleared(low, low.detected_at + timedelta(minutes=20))]
    for sign in signs:
        day.put(sign)
    assert not day.events and not day.situation.alerts
    assert len(day.hidden) == 18
