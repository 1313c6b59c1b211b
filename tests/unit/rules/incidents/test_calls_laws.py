"""The laws of calls over any escalation: not too soon, never silent too long, quiet hours kept.

The desk is started again and its escalation.toml read anew in between; the incident rises.
"""

import pickle
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kel.model.alert import Severity
from kel.model.escalation import ON_CALL, Duty, Escalation, QuietHours, Step
from kel.model.incident import IncidentState
from rules.incidents.duty import on_call, quiet_until
from tests.builders.city import WEEK, alert, at, small_city
from tests.builders.incidents import Day, command

MINUTE = timedelta(minutes=1)
CITY = small_city()
OPENED = at("20:00")
RAISED = (Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL)

severities = st.sampled_from([Severity.LOW, *RAISED])
steps = st.builds(
    Step,
    st.integers(0, 30).map(lambda n: n * 7 * MINUTE),
    st.sampled_from([5, 10, 25, 60, 180]).map(lambda n: n * MINUTE),
    severities,
    st.sampled_from([ON_CALL, "day", "boss"]),
)
quiets = st.builds(QuietHours, st.just(time(23)), st.sampled_from([time(1), time(7)]), severities)
ROSTERS = (
    (Duty("day", WEEK, time(7), time(23)), Duty("night", WEEK, time(23), time(7))),
    (Duty("day", WEEK, time(0), time(0)),),
    (Duty("boss", WEEK, time(21, 30), time(2)), Duty("day", WEEK, time(2), time(21, 30))),
)
escalations = st.builds(
    lambda s, r, q: Escalation(tuple(s), r, q),
    st.lists(steps, min_size=1, max_size=4),
    st.sampled_from(ROSTERS),
    st.none() | quiets,
)
turns = st.lists(
    st.tuples(st.integers(1, 70), st.sampled_from(["look", "again", "reload", "rise"])),
    min_size=5,
    max_size=25,
)


@dataclass
class Night:
    """One incident that nobody acknowledges, and the calls that were made about it."""

    escalation: Escalation
    day: Day = field(default_factory=Day)
    rung: dict[str, list[datetime]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.follow(self.escalation)
        self.put(alert(CITY, "ps-01", "pump", OPENED, severity=Severity.LOW), now=OPENED)

    def follow(self, escalation: Escalation) -> None:
        self.escalation = escalation
        self.day.city = replace(CITY, escalation=escalation)

    @property
    def severity(self) -> Severity:
        return self.day.one.severity

    def put(self, *signs: Any, now: datetime) -> None:
        """Let the desk decide, and look at what it rang."""
        known = len(self.day.calls)
        self.day.put(*signs, now=now)
        for call in self.day.calls[known:]:
            who = call.topic.rsplit("/", 1)[1]
            self.not_too_soon(who, call.made_at)
            assert not self.quiet(call.made_at)
            self.rung.setdefault(who, []).append(call.made_at)
        self.nobody_is_forgotten(now)

    def may_call(self, who: str, moment: datetime) -> list[Step]:
        turn = on_call(self.escalation, moment, CITY.timezone)
        return [
            s
            for s in self.escalation.steps
            if s.severity <= self.severity
            and (s.call == who or (s.call == ON_CALL and who == turn))
        ]

    def quiet(self, moment: datetime) -> bool:
        quiet = self.escalation.quiet
        if quiet is None or self.severity >= quiet.severity:
            return False
        return quiet_until(quiet, moment, CITY.timezone) is not None

    def not_too_soon(self, who: str, moment: datetime) -> None:
        before = self.rung.get(who, [])
        if before:
            shortest = min(s.every for s in self.may_call(who, moment))
            assert moment - before[-1] >= shortest, (who, before[-1], moment)

    def nobody_is_forgotten(self, now: datetime) -> None:
        if self.quiet(now):
            return
        for who in ("day", "night", "boss"):
            come = [s for s in self.may_call(who, now) if OPENED + s.after <= now]
            highest = max((s.severity for s in come), default=None)
            every = min((s.every for s in come if s.severity == highest), default=None)
            if every is not None:
                last = self.rung.get(who, [datetime.min.replace(tzinfo=now.tzinfo)])[-1]
                assert now - last <= every, (who, last, now)


@settings(max_examples=150, deadline=None)
@given(escalations, escalations, turns)
def test_no_contact_is_rung_too_soon_or_forgotten(
    first: Escalation, second: Escalation, told: list[tuple[int, str]]
) -> None:
    night, now, risen = Night(first), OPENED, 0
    for minutes, what in told:
        now += minutes * MINUTE
        if what == "again":
            night.day.situation = pickle.loads(pickle.dumps(night.day.situation))
        elif what == "reload":
            night.follow(second if night.escalation is first else first)
        elif what == "rise" and risen < len(RAISED):
            night.put(now=now - MINUTE)  # what was due before, at the severity of before
            more = alert(CITY, "ps-01", "pump", now, rule=f"r{risen}", severity=RAISED[risen])
            night.put(more, now=now)
            risen += 1
        night.put(now=now)
    assert night.day.one.state is IncidentState.OPEN


@settings(max_examples=30, deadline=None)
@given(escalations, st.integers(0, 300))
def test_nobody_is_rung_after_somebody_acknowledged(escalation: Escalation, minutes: int) -> None:
    night, moment = Night(escalation), OPENED + minutes * MINUTE
    night.put(now=moment)
    night.day.put(replace(command("acknowledge", night.day.one.number), at=moment))
    known = len(night.day.calls)
    night.day.put(now=OPENED + timedelta(days=2))
    assert len(night.day.calls) == known
