"""The median of a device's peers, as of each of its readings. Pure."""

from collections.abc import Iterable, Iterator

import numpy as np

from kel.model.device import Device
from kel.model.frame import Float64, Int64
from rules.core.rows import Bool, Slots
from rules.parts.asof import AsOf, Readings

CELLS = 1 << 18  # of a table of moments × members that is worked on at once


class Peers:
    """The slots in their groups; `key` of each device, (slots,), None for one that is in none.

    `fresh`: µs; a peer's reading that is older than that is not used.
    """

    def __init__(self, keys: Iterable[str | None], fresh: int) -> None:
        named = list(keys)
        place = {key: n for n, key in enumerate(sorted({k for k in named if k is not None}))}
        self.group = np.array([-1 if k is None else place[k] for k in named], np.intp)
        self.members = [np.flatnonzero(self.group == n) for n in range(len(place))]
        self.place = np.zeros(len(named), np.intp)  # of a slot among its group's
        for members in self.members:
            self.place[members] = np.arange(len(members))
        self.fresh = fresh

    def medians(self, known: AsOf, settled: Readings, wanted: Bool) -> tuple[Float64, Float64]:
        """For each settled reading, (n,): the median of its device's peers, NaN where none is
        known or it is not `wanted`, and how many are."""
        median, count = np.full(len(settled.slot), np.nan), np.zeros(len(settled.slot))
        group = self.group[settled.slot]
        for one in np.unique(group[(group >= 0) & wanted]).tolist():
            rows = np.flatnonzero(group == one)
            found = self._of(known, self.members[one], settled.take(rows), wanted[rows])
            median[rows], count[rows] = found
        return median, count

    def _of(
        self, known: AsOf, members: Slots, settled: Readings, wanted: Bool
    ) -> tuple[Float64, Float64]:
        median, count = np.full(len(settled.slot), np.nan), np.zeros(len(settled.slot))
        time, value = known.time[members], known.value[members]
        for rows in _parts(settled.time, len(members)):
            part, asked = settled.take(rows), wanted[rows]
            place = self.place[part.slot]
            if asked.any():
                moments, moment = np.unique(part.time[asked], return_inverse=True)
                values = self._table(moments, place, part, time, value)
                found = _without(values[moment], place[asked])
                median[rows[asked]], count[rows[asked]] = found
            time[place], value[place] = part.time, part.value  # of several the last one stays
        return median, count

    def _table(
        self, moments: Int64, place: Slots, part: Readings, time: Int64, value: Float64
    ) -> Float64:
        """What was known of each member at each moment, (moments, members), NaN: nothing fresh.

        Laid out member by member, each of its readings as often as there are moments until the
        next one; which is several times faster than to look each cell up.
        """
        width, end = len(time), len(moments)
        who = np.concatenate((np.arange(width), place)).astype(np.int32)
        order = np.argsort(who.astype(np.int16) if width < 2**15 else who, kind="stable")
        who = who[order]
        since = np.searchsorted(moments, part.time)
        begin = np.concatenate((np.zeros(width, np.intp), since))[order]
        said = np.concatenate((time, part.time))[order]
        told = np.concatenate((value, part.value))[order]
        until = np.append(np.where(who[1:] == who[:-1], begin[1:], end), end)
        stale = np.clip(np.searchsorted(moments, said + self.fresh, side="right"), begin, until)
        cells = np.column_stack((told, np.full(len(told), np.nan))).ravel()
        often = np.column_stack((stale - begin, until - stale)).ravel()
        return np.ascontiguousarray(np.repeat(cells, often).reshape(width, end).T)


def _parts(time: Int64, width: int) -> Iterator[Slots]:
    """The rows, in order of time, in parts that do not cut a moment in two."""
    most, begin = max(1, CELLS // width), 0
    while begin < len(time):
        end = min(begin + most, len(time))
        end = int(np.searchsorted(time, time[end - 1], side="right"))
        yield np.arange(begin, end)
        begin = end


def _without(values: Float64, own: Slots) -> tuple[Float64, Float64]:
    """The median of each row of `values`, (n, width), without column own[n], and of how many."""
    rows = np.arange(len(values))
    values[rows, own] = np.nan
    count = values.shape[1] - np.isnan(values).sum(axis=1)
    values.sort(axis=1)  # NaN to the end
    below, above = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, values.shape[1] - 1)
    median: Float64 = (values[rows, below] + values[rows, above]) / 2
    return median, count.astype(np.float64)


def group_key(device: Device, against: str) -> str | None:
    """The id of the feeder, zone or community that the device is in."""
    keys = {"feeder": device.feeder, "zone": device.zone, "community": device.community}
    return keys[against]
