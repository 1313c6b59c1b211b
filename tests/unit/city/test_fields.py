"""How durations, times of day, days and ids are written."""

from datetime import time, timedelta

import pytest
from pydantic import TypeAdapter, ValidationError

from kel.city.fields import Clock, Days, Duration, Euro, Id, TimeZone, Word


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Duration, "90s", timedelta(seconds=90)),
        (Duration, "10m", timedelta(minutes=10)),
        (Duration, "2h", timedelta(hours=2)),
        (Duration, "1d", timedelta(days=1)),
        (Clock, "07:30", time(7, 30)),
        (Clock, "00:00", time(0, 0)),
        (Days, "mon-fri", frozenset(range(5))),
        (Days, "sat,sun", frozenset({5, 6})),
        (Days, "mon, wed-thu", frozenset({0, 2, 3})),
        (Id, "ps-01", "ps-01"),
        (Word, "main_burst", "main_burst"),
        (TimeZone, "Europe/Athens", "Europe/Athens"),
    ],
)
def test_what_is_taken(kind: object, text: str, value: object) -> None:
    assert TypeAdapter(kind).validate_python(text) == value


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *[(Duration, v) for v in ("", "10", "10 m", "0m", "1w", "-5m", 10, "1.5h", "٣m")],
        *[(Clock, v) for v in ("7:30", "24:00", "07:60", "07:30:00", 730)],
        *[(Days, v) for v in ("", "monday", "fri-mon", "mon-", "mon,,tue", ["mon"])],
        *[(Id, v) for v in ("", "A", "a b", "a/b", "-a", "α", "a\n", "x" * 49, 1)],
        *[(Word, v) for v in ("", "1a", "a-b", "Type", "x" * 33)],
        *[(TimeZone, v) for v in ("", "Athens", "../etc/passwd", "Europe")],
        *[(Euro, v) for v in ("-1", "nan", "inf", "1,5", "1e999999999999")],
    ],
)
def test_what_is_refused(kind: object, value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(value)
