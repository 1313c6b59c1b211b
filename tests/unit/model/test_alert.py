"""Alerts: what ends one changes nothing else of it, and ids are those of RFC 9562."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid5

import pytest

from kel.model.alert import Alert, Evidence, Severity
from kel.model.ids import NAMESPACE, make_id
from kel.model.moment import LATEST, from_us, to_us

NOON = datetime(2026, 10, 4, 12, tzinfo=UTC)


def test_an_end_is_all_that_an_ended_alert_has_more() -> None:
    about = Evidence("pump", "ps-01", "flow", NOON, NOON, {"value": 1.0})
    alert = Alert(
        id=make_id("alert", "low"),
        rule="low",
        rulebook="v",
        kind="threshold",
        device="ps-01",
        category="pump",
        severity=Severity.HIGH,
        started_at=NOON,
        detected_at=NOON + timedelta(minutes=1),
        evidence=about,
        community="drosia",
        zone="z01",
        feeder="f01",
        verify=timedelta(hours=1),
    )
    same = {field.name for field in fields(Alert)} - {"cleared_at", "cleared_why"}
    assert all(getattr(alert, name) is not None for name in same)  # so that none is left out below
    end = NOON + timedelta(hours=2)
    assert alert.ended(end, "over") == replace(alert, cleared_at=end, cleared_why="over")


@pytest.mark.parametrize("about", [(), ("ps-01", 1_767_225_600_000_000), ("νερό", None)])
def test_an_id_is_the_uuid5_of_what_it_is_about(about: tuple[object, ...]) -> None:
    named = "\x1f".join(("alert", *map(str, about)))
    assert make_id("alert", *about) == uuid5(NAMESPACE, named)


@pytest.mark.parametrize("us", [0, -1, 1_767_225_600_123_456, LATEST])
def test_a_moment_comes_back_to_the_microsecond(us: int) -> None:
    assert to_us(from_us(us)) == us
