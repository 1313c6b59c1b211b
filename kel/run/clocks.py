"""The clock in force at a bridge: the machine's, or the story's as it comes by MQTT."""

import logging
from time import time_ns

import orjson

from kel.model.moment import SECOND_US

log = logging.getLogger("kel.clocks")


class SystemClock:
    """The machine's time, never going back; says it by itself every `tick_s`."""

    def __init__(self, tick_s: float) -> None:
        self._every = int(tick_s * SECOND_US)
        self._now = self._next = 0

    def now(self) -> int:
        self._now = max(self._now, time_ns() // 1000)
        return self._now

    def due(self) -> int | None:
        now = self.now()
        if now < self._next:
            return None
        self._next = now + self._every
        return now


class StoryClock:
    """The story's time, as it comes by MQTT: `{"now": µs, "tick": bool}`; unknown at first.

    `now` is said before a step's messages, the tick after them.
    """

    def __init__(self) -> None:
        self._now: int | None = None

    def now(self) -> int | None:
        return self._now

    def hear(self, payload: bytes) -> int | None:
        """Take the time that is said; returns it where it is a tick."""
        try:
            said = orjson.loads(payload)
            now, tick = int(said["now"]), bool(said["tick"])
        except (ValueError, KeyError, TypeError) as error:
            log.warning("the clock said nothing that can be understood: %r", error)
            return None
        self._now = now
        return now if tick else None

    def due(self) -> int | None:
        return None
