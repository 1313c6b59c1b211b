"""The watchdog: whether a worker stands still although there is work. Pure.

Laws:
- a partition stands still where Kafka has records that were not processed, and none of it was for
  `limit_s`; so does the worker where what it has processed waits that long for the store;
- while the store is known to be away nothing is said to stand still, and all begin anew after it;
- a partition that was not owned when last looked at begins anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Look:
    """An assigned partition: the next record to process (None: none came yet), the next that Kafka
    will get, and whether something of it waits for the store."""

    processed: int | None
    end: int
    stored: int | None


class Watchdog:
    """`look` at the partitions every few seconds."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._seen: dict[int, tuple[Look, float, float]] = {}  # since when each has not moved

    def look(self, now_s: float, looks: Mapping[int, Look], *, store_away: bool) -> str | None:
        """Why the worker must be started again, or None."""
        before, self._seen = self._seen, {}
        for partition, look in sorted(looks.items()):
            last, processed_at, stored_at = before.get(partition, (None, now_s, now_s))
            if store_away or last is None or _came_on(last, look):
                processed_at = now_s
            if store_away or last is None or look.stored != last.stored or not _waits(look):
                stored_at = now_s
            kept = last if last and look.processed is None and not store_away else look
            self._seen[partition] = kept, processed_at, stored_at
            if now_s - processed_at > self._limit_s:
                return f"partition {partition}: no record for {self._limit_s:.0f} s, of {look.end}"
            if now_s - stored_at > self._limit_s:
                return f"partition {partition}: nothing stored for {self._limit_s:.0f} s"
        return None


def _came_on(last: Look, look: Look) -> bool:
    """Whether a record was processed, or there is none to process."""
    if look.processed is None:  # where it must begin is not known: it stands if Kafka gets more
        return look.end == last.end
    return look.processed != last.processed or look.processed >= look.end


def _waits(look: Look) -> bool:
    return look.processed is not None and look.stored is not None and look.stored < look.processed
