from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import checks
from ingest.validate import Reason, Refused
from kel.model.device import Clock
from kel.model.moment import HOUR_US, to_us
from tests.builders import ingest_city as city
from tests.builders.ingest_city import NOW, NOW_MS, NOW_US

DEEP_ENOUGH = b"[" * 16 + b"]" * 16
TOO_DEEP = b"[" * 17 + b"]" * 17


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Reason.NOT_JSON),
        (b"{", Reason.NOT_JSON),
        (b"{'a': 1}", Reason.NOT_JSON),
        (b"\xef\xbb\xbf{}", Reason.NOT_JSON),
        (b'"\\ud800"', Reason.NOT_JSON),
        (b'{"a": "\xff"}', Reason.NOT_UTF8),
        (b'{"a": NaN}', Reason.NOT_FINITE),
        (b'{"a": -Infinity}', Reason.NOT_FINITE),
        (b'{"a": 1e999}', Reason.NOT_FINITE),
        (b'{"a": "\\u0000"}', Reason.NUL_CHARACTER),
        (b'{"\\u0000": 1}', Reason.NUL_CHARACTER),
        (b'[{"a": ["\\u0000"]}]', Reason.NUL_CHARACTER),
        (TOO_DEEP, Reason.TOO_DEEP),
        (b"[" * 5000 + b"]" * 5000, Reason.TOO_DEEP),
        (b"[" * 20_000, Reason.TOO_DEEP),
        (b"[" * 200_000, Reason.TOO_MANY),
        (b"[" + b"{}," * 50_000 + b"{}]", Reason.TOO_MANY),
        (b"1" * 10_000, Reason.NOT_JSON),
    ],
)
def test_refuses_what_is_no_sound_json(payload: bytes, reason: Reason) -> None:
    with pytest.raises(Refused) as refused:
        checks.load_json(payload)
    assert refused.value.reason is reason


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b'{"a": "\\\\u0000"}', {"a": "\\u0000"}),  # a backslash, then letters: no NUL
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b"[" + b"{}," * 100 + b"{}]", [{}] * 101),
    ],
)
def test_takes_what_only_looks_unsound(payload: bytes, value: object) -> None:
    assert checks.load_json(payload) == value


def test_sixteen_levels_are_deep_enough() -> None:
    assert checks.load_json(DEEP_ENOUGH)


@pytest.mark.parametrize(
    "value",
    [
        "2026-05-04T21:00:00Z",
        "2026-05-04T21:00:00.000000000+00:00",
        "2026-05-05T00:00:00+03:00",
        NOW_MS,
        float(NOW_MS),
    ],
)
def test_reads_one_moment_in_all_its_spellings(value: object) -> None:
    assert checks.time_of(value, NOW_US) == NOW_US


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("2026-05-04T21:00:00", Reason.BAD_TIME),  # which zone?
        ("2026-05-04", Reason.BAD_TIME),
        ("yesterday", Reason.BAD_TIME),
        ("0001-01-01T00:00:00+14:00", Reason.BAD_TIME),
        ("", Reason.BAD_TIME),
        (True, Reason.BAD_TIME),
        ([NOW_MS], Reason.BAD_TIME),
        (float("nan"), Reason.BAD_TIME),
        (1e300, Reason.BAD_TIME),
        (NOW_MS // 1000, Reason.BAD_TIME),  # seconds
        (-1, Reason.BAD_TIME),
        (NOW_MS + 5 * 60_000 + 1, Reason.CLOCK_AHEAD),
        (2**63, Reason.CLOCK_AHEAD),
        ("2027-05-04T21:00:00Z", Reason.CLOCK_AHEAD),
    ],
)
def test_refuses_a_time_that_cannot_be(value: object, reason: Reason) -> None:
    with pytest.raises(Refused) as refused:
        checks.time_of(value, NOW_US)
    assert refused.value.reason is reason


@pytest.mark.parametrize("value", [NOW_MS + HOUR_US, 0, None, "yesterday", [], float("nan")])
def test_what_a_device_without_a_clock_says_of_the_time_is_not_looked_at(value: object) -> None:
    clockless = city.device(1, "x", "zone", clock=Clock.ARRIVAL)
    assert checks.moment_of(clockless, value, NOW_US) == NOW_US


@pytest.mark.parametrize("value", [NOW_MS, "2026-05-04T21:00:00Z", float(NOW_MS)])
def test_a_device_with_a_clock_is_believed(value: object) -> None:
    assert checks.moment_of(city.BY_NUMBER[21], value, NOW_US + HOUR_US) == NOW_US


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, Reason.NO_TIME),
        (True, Reason.BAD_TIME),
        (0, Reason.BAD_TIME),
        (NOW_MS + 5 * 60_000 + 1, Reason.CLOCK_AHEAD),
    ],
)
def test_a_device_with_a_clock_must_tell_a_time_that_can_be(value: object, reason: Reason) -> None:
    with pytest.raises(Refused) as refused:
        checks.moment_of(city.BY_NUMBER[21], value, NOW_US)
    assert refused.value.reason is reason


def test_a_clock_may_be_five_minutes_ahead() -> None:
    assert checks.time_of(NOW_MS + 5 * 60_000, NOW_US) == NOW_US + checks.AHEAD


def test_the_oldest_time_is_the_year_2000() -> None:
    oldest = datetime(2000, 1, 1, tzinfo=UTC)
    assert to_us(oldest) == checks.OLDEST
    assert checks.time_of(oldest.isoformat(), NOW_US) == checks.OLDEST


@given(st.integers(0, 20 * 365 * 24), st.integers(-14, 14))
def test_iso_text_of_any_offset_is_the_moment_it_names(hours: int, offset: int) -> None:
    moment = (NOW - timedelta(hours=hours)).astimezone(timezone(timedelta(hours=offset)))
    assert checks.time_of(moment.isoformat(), NOW_US) == NOW_US - hours * HOUR_US


def test_seconds_keep_their_microseconds() -> None:
    assert checks.time_of_seconds(NOW_MS / 1000 + 0.25, NOW_US) == NOW_US + 250_000
    assert checks.time_of_seconds(NOW_MS // 1000, NOW_US) == NOW_US


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("1", Reason.WRONG_TYPE),
        (None, Reason.WRONG_TYPE),
        ([], Reason.WRONG_TYPE),
        (float("nan"), Reason.NOT_FINITE),
        (float("inf"), Reason.NOT_FINITE),
        (2**53 + 1, Reason.OUT_OF_RANGE),
        (-1e300, Reason.OUT_OF_RANGE),
    ],
)
def test_refuses_what_is_no_usable_number(value: object, reason: Reason) -> None:
    with pytest.raises(Refused) as refused:
        checks.number_of(value, "flow")
    assert refused.value.reason is reason


def test_a_number_too_long_to_be_written_is_refused_all_the_same() -> None:
    with pytest.raises(Refused) as refused:
        checks.number_of(-(10**5_000), "flow")
    assert refused.value.reason is Reason.OUT_OF_RANGE


@pytest.mark.parametrize(("value", "number"), [(True, 1.0), (0, 0.0), (2**53, 2.0**53)])
def test_takes_numbers_and_booleans(value: object, number: float) -> None:
    assert checks.number_of(value, "flow") == number


def test_foreign_text_is_shown_short_and_printable() -> None:
    assert checks.shown("a\0\ud800\n" + "b" * 100) == "'a???" + "b" * 60 + "'"
