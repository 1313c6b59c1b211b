"""Moments: the two ways a time is written, and the way between them.

Frames carry int64 microseconds since 1970 UTC; everything small carries aware `datetime`s.
"""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
LATEST = 253_402_300_799_999_999  # the last microsecond of the year 9999, as databases end


def to_us(moment: datetime) -> int:
    """Microseconds since 1970 UTC of an aware `moment`, exact."""
    return (moment - EPOCH) // MICROSECOND


def from_us(us: int) -> datetime:
    """The aware UTC datetime of microseconds since 1970."""
    return EPOCH + int(us) * MICROSECOND
