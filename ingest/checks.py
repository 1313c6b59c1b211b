"""Checks that all formats share: JSON, texts, numbers and times. Each raises `Refused`.

Laws:
- a time is microseconds since 1970 UTC; before 2000 no device of ours existed, and more than
  `AHEAD` after arrival its clock is wrong; what a device without a clock of its own says of the
  time is not even looked at;
- a number is a finite float within ±2^53, beyond which a float no longer counts in ones;
- text never carries U+0000, which PostgreSQL's text refuses.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from math import isfinite, isinf
from typing import Any, Never, TypeVar

import orjson

from ingest.validate import MOST_HOLDERS, Reason, Refused
from kel.model.device import Clock, Device
from kel.model.moment import MINUTE_US, to_us

AHEAD = 5 * MINUTE_US
OLDEST = 946_684_800_000_000  # 2000-01-01T00:00:00Z
LARGEST = 2.0**53
ARRIVAL = Clock.ARRIVAL
S = TypeVar("S")
T = TypeVar("T")
Row = tuple[Device, S, T]  # the device, what it says of the time, and what it measured
DEEPEST = 16  # levels of objects and lists
HOLDERS = frozenset({dict, list})
NUMBERS = (int, float)  # a boolean is an int
OPEN_LIST, OPEN_OBJECT, BACKSLASH = b"[{\\"  # as numbers, whose search costs least


def load_json(payload: bytes) -> Any:
    """The JSON value of `payload`. Of duplicate keys the last one counts, as orjson has it."""
    if len(payload) > MOST_HOLDERS and _holders(payload) > MOST_HOLDERS:
        raise Refused(Reason.TOO_MANY, f"more than {MOST_HOLDERS} objects and lists")
    try:
        value = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        _explain(payload, error)
    # Both checks cost a search of the bytes; what they suspect is then looked at properly.
    if (OPEN_LIST in payload or payload.count(OPEN_OBJECT) > DEEPEST) and _too_deep(value, payload):
        raise Refused(Reason.TOO_DEEP, f"nested deeper than {DEEPEST} levels")
    if BACKSLASH in payload and b"\\u0000" in payload and _holds_nul(value):
        raise Refused(Reason.NUL_CHARACTER, "a string holds U+0000")
    return value


def load_object(payload: bytes) -> dict[str, Any]:
    """The JSON object of `payload`; any other JSON value is refused."""
    value = load_json(payload)
    if type(value) is not dict:
        raise Refused(Reason.WRONG_TYPE, f"a JSON object is wanted, not {kind_of(value)}")
    return value


def moment_of(device: Device, value: object, arrival: int) -> int:
    """When a device measured: `time_of` what it says, or the arrival where its clock is not its
    own. Every decoder asks this of what a device says; what is left out has no time."""
    if device.clock is ARRIVAL:
        return in_time(arrival, arrival)
    if type(value) is int and OLDEST <= value * 1000 <= arrival + AHEAD:
        return value * 1000  # what nearly all devices send
    if value is None:
        raise Refused(Reason.NO_TIME, "the time is missing")
    return time_of(value, arrival)


def moment_or_arrival(device: Device, value: object, arrival: int) -> int:
    """As `moment_of`; where a format allows to leave the time out, the arrival stands in."""
    return in_time(arrival, arrival) if value is None else moment_of(device, value, arrival)


def time_of(value: object, arrival: int) -> int:
    """Microseconds of ISO 8601 text with an offset, or of Unix milliseconds (int or float)."""
    if type(value) is str:
        return in_time(_from_iso(value), arrival)
    if type(value) is int:
        return in_time(value * 1000, arrival)
    return _from_float(value, 1e3, arrival)


def time_of_seconds(value: object, arrival: int) -> int:
    """Microseconds of Unix seconds (int or float)."""
    if type(value) is int:
        return in_time(value * 1_000_000, arrival)
    return _from_float(value, 1e6, arrival)


def time_or_arrival(value: object, arrival: int) -> int:
    """As `time_of`; where a format allows to leave the time out, the arrival stands in."""
    return in_time(arrival, arrival) if value is None else time_of(value, arrival)


def in_time(moment: int, arrival: int) -> int:
    """`moment` (µs) itself if it can be true for a message that arrived at `arrival`."""
    if moment < OLDEST:
        raise Refused(Reason.BAD_TIME, "before the year 2000; milliseconds since 1970 are wanted")
    if moment > arrival + AHEAD:
        ahead = (moment - arrival) // MINUTE_US
        raise Refused(Reason.CLOCK_AHEAD, f"{ahead:.6g} minutes after its arrival")
    return moment


def oldest_first(rows: Sequence[Row[S, T]]) -> Sequence[Row[S, T]]:
    """Rows of one message such that those of a device without a clock of its own stand in the order
    that their stamps say: when it was cannot be believed, but which came before which can. Where
    stamps of a device are missing, unlike or illegible, its rows stay as they came."""
    clockless: dict[int, list[Row[S, T]]] = {}
    for row in rows:
        if row[0].clock is ARRIVAL:
            clockless.setdefault(row[0].number, []).append(row)
    if not clockless:
        return rows
    ordered = [row for row in rows if row[0].clock is not ARRIVAL]
    for of_one in clockless.values():
        ordered += _by_stamp(of_one)
    return ordered


def _by_stamp(rows: list[Row[S, T]]) -> list[Row[S, T]]:
    texts = {type(stamp) is str for _, stamp, _ in rows}
    ranks = [_rank(stamp) for _, stamp, _ in rows]
    if len(texts) > 1 or None in ranks:
        return rows
    pairs = sorted(zip(ranks, range(len(rows)), strict=True))
    return [rows[i] for _, i in pairs]


def _rank(stamp: object) -> float | None:
    if type(stamp) is int or type(stamp) is float:
        return stamp
    if type(stamp) is not str:
        return None
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return to_us(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def number_of(value: object, what: str) -> float:
    """A finite number within ±2^53; booleans are 0 and 1."""
    if isinstance(value, NUMBERS) and -LARGEST <= value <= LARGEST:
        return float(value)
    raise misfit(value, what, -LARGEST, LARGEST)


def misfit(value: object, what: str, low: float, high: float) -> Refused:
    """Why `value` is no number of `what` within [low, high]."""
    if not isinstance(value, NUMBERS):
        detail = f"{shown(what)}: a number is wanted, not {kind_of(value)}"
        return Refused(Reason.WRONG_TYPE, detail)
    if isinstance(value, float) and not isfinite(value):
        return Refused(Reason.NOT_FINITE, f"{shown(what)}: {value}")
    written = isinstance(value, float) or -(2**64) < value < 2**64
    told = value if written else "what was sent"  # too long an integer to be written out
    return Refused(Reason.OUT_OF_RANGE, f"{shown(what)}: {told} is not in [{low}, {high}]")


def text_of(value: object, what: str, most: int, reason: Reason) -> str:
    """Text of at most `most` characters; None is the empty text."""
    if value is None:
        return ""
    if type(value) is not str:
        raise Refused(reason, f"{what}: text is wanted, not {kind_of(value)}")
    if len(value) > most:
        raise Refused(reason, f"{what}: {len(value)} characters, {most} at most")
    return value


def plain_text(payload: bytes, what: str, reason: Reason) -> str:
    """A short plain payload as text, e.g. `online`."""
    try:
        return payload[:64].decode()
    except UnicodeDecodeError:
        raise Refused(reason, f"{what}: not text") from None


def kind_of(value: object) -> str:
    """The JSON name of a value's type, for people."""
    names = {dict: "an object", list: "a list", str: "text", bool: "a boolean"}
    return "null" if value is None else names.get(type(value), "a number")


def shown(text: str) -> str:
    """Foreign text as it may stand in a detail: short, printable, in quotes."""
    return f"'{''.join(c if c.isprintable() else '?' for c in text[:64])}'"


def _from_iso(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise Refused(Reason.BAD_TIME, f"{shown(text)} has no offset from UTC")
        return to_us(moment)
    except (ValueError, OverflowError):
        raise Refused(Reason.BAD_TIME, f"{shown(text)} is not ISO 8601") from None


def _from_float(value: object, scale: float, arrival: int) -> int:
    if type(value) is not float:
        raise Refused(Reason.BAD_TIME, f"a time is wanted, not {kind_of(value)}")
    if not abs(value) <= LARGEST:
        raise Refused(Reason.BAD_TIME, f"{value} is no time")
    return in_time(round(value * scale), arrival)


def _explain(payload: bytes, error: orjson.JSONDecodeError) -> Never:
    """Tell apart why JSON was refused: encoding, depth, NaN and infinity, or simply not JSON."""
    try:
        text = payload.decode()
    except UnicodeDecodeError as bad:
        raise Refused(Reason.NOT_UTF8, f"byte {bad.start} is not UTF-8") from None
    if "depth limit" in str(error):
        raise Refused(Reason.TOO_DEEP, f"nested deeper than {DEEPEST} levels") from None
    with suppress(ValueError, RecursionError):  # then it is not JSON for a lenient parser either
        json.loads(text, parse_constant=_refuse_constant, parse_float=_refuse_infinite)
    raise Refused(Reason.NOT_JSON, str(error)[:200]) from None


def _refuse_constant(name: str) -> Never:
    raise Refused(Reason.NOT_FINITE, f"{name} is no JSON number")


def _refuse_infinite(text: str) -> float:
    value = float(text)
    if isinf(value):
        raise Refused(Reason.NOT_FINITE, f"{text[:40]} is beyond any float")
    return value


def _holders(payload: bytes) -> int:
    """As many objects and lists as it can hold at the most."""
    return payload.count(OPEN_LIST) + payload.count(OPEN_OBJECT)


def _too_deep(value: Any, payload: bytes) -> bool:
    if _holders(payload) <= DEEPEST:
        return False
    level = [value] if type(value) in HOLDERS else []
    for _ in range(DEEPEST):
        inside = [item.values() if type(item) is dict else item for item in level]
        level = [item for items in inside for item in items if type(item) in HOLDERS]
        if not level:
            return False
    return True


def _holds_nul(value: object) -> bool:
    stack = [value]
    while stack:
        item = stack.pop()
        if type(item) is str:
            if "\0" in item:
                return True
        elif type(item) is dict:
            stack += item.keys()
            stack += item.values()
        elif type(item) is list:
            stack += item
    return False
