"""A window of the local day, such as 02:00–04:00, on every night of the year.

Laws:
- local time is the zone's, with summer time: a window may last an hour more or less on the two
  nights of the change;
- the window holds its beginning and not its end; an end before the beginning is past midnight.
"""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import numpy as np

from kel.model.frame import Int64
from kel.model.moment import MICROSECOND, MINUTE_US
from rules.core.rows import Bool

BLOCK_US = 15 * MINUTE_US  # a zone's offset from UTC changes only at whole quarters of an hour
DAY_US = 24 * 60 * MINUTE_US


class Window:
    def __init__(self, start: time, end: time, timezone: str) -> None:
        self.start = (start.hour * 60 + start.minute) * MINUTE_US
        self.end = (end.hour * 60 + end.minute) * MINUTE_US
        self.zone = ZoneInfo(timezone)

    def local(self, times: Int64) -> Int64:
        """The local wall time of each moment, (n,), as µs since 1970 on the wall's clock."""
        blocks, where = np.unique(times // BLOCK_US, return_inverse=True)
        offsets = np.array([self._offset(block) for block in blocks.tolist()], np.int64)
        local: Int64 = times + offsets[where]
        return local

    def inside(self, local: Int64) -> Bool:
        """Whether each local wall time, (n,), lies in the window."""
        clock = local % DAY_US
        begun: Bool = clock >= self.start
        not_over: Bool = clock < self.end
        return begun & not_over if self.start < self.end else begun | not_over

    def end_after(self, moment: int) -> int:
        """The moment (µs) at which the window that holds `moment` ends."""
        block = moment // BLOCK_US
        while True:
            begin = max(moment, block * BLOCK_US)
            clock = (begin + self._offset(block)) % DAY_US
            if not self.inside(np.array([clock]))[0]:
                return begin
            end = begin + (self.end - clock) % DAY_US
            block += 1
            if end < block * BLOCK_US:
                return end

    def _offset(self, block: int) -> int:
        moment = datetime.fromtimestamp(block * BLOCK_US // 1_000_000, UTC)
        offset = moment.astimezone(self.zone).utcoffset()
        assert offset is not None
        return offset // MICROSECOND


def month(local: Int64) -> Int64:
    """The month, 1–12, of each local wall time, (n,)."""
    months = local.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    found: Int64 = months % 12 + 1
    return found
