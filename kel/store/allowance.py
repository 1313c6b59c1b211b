"""How much of what is refused is kept with its bytes: so much a day, and the rest is counted.

Laws:
- a disk is never filled by refused messages, whoever sends them and however many;
- what one device sends for one reason takes no room from the others, as long as there is some;
- a worker has its own allowance, in memory: one that is started again begins anew.
"""

import logging
from datetime import date

from kel.model.request import Reject

log = logging.getLogger("kel.store")

MESSAGES = 1_000  # of one device for one reason, or of nobody's for one reason, a day
MOST_BYTES = 512 * 1024 * 1024  # of all together, a day


class Allowance:
    """What a worker may keep of refused messages on the day of their arrival (UTC)."""

    def __init__(self) -> None:
        self._day: date | None = None
        self._messages: dict[tuple[str, str], int] = {}
        self._bytes = 0

    def takes(self, reject: Reject) -> bool:
        """Whether this one is kept; it is counted if so."""
        day = reject.arrival.date()
        if day != self._day:
            self._day, self._messages, self._bytes = day, {}, 0
        group = reject.reason, reject.device or ""
        had = self._messages.get(group, 0)
        if had >= MESSAGES or self._bytes + len(reject.payload) > MOST_BYTES:
            return False
        self._messages[group] = had + 1
        self._bytes += len(reject.payload)
        if had + 1 == MESSAGES:
            log.warning("%s of %s: no more of it is kept today, only counted", *group)
        return True
