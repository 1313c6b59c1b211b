"""Binary COPY packed in numpy: a frame's columns become PostgreSQL's wire rows without a loop.

Format: PostgreSQL documentation, COPY, "Binary Format". A row is a 16-bit field count and, per
field, a 32-bit length and the value in network order; length −1 with no value is NULL.
"""

import numpy as np
from numpy.typing import NDArray

from kel.model.frame import Frame

SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"
POSTGRES_EPOCH_US = 946_684_800_000_000  # 2000-01-01, from which PostgreSQL counts


def pack(frame: Frame, flag: NDArray[np.bool_] | None = None) -> bytes:
    """The frame as binary COPY data of the columns (time, arrival, device, [flag,] *metrics).

    NaN becomes NULL. `flag`: (n,), a boolean column. About 4 M rows/s with six metrics.
    """
    metrics = tuple(frame.metrics)
    columns = _columns(metrics, flag is not None)
    layout = [("fields", ">i2")]
    for name, width in columns:
        layout += [(f"{name}#", ">i4"), (name, width)]
    rows = np.zeros(len(frame), dtype=layout)
    rows["fields"] = len(columns)
    for name, width in columns:
        rows[f"{name}#"] = np.dtype(width).itemsize
    rows["time"] = frame.time - POSTGRES_EPOCH_US
    rows["arrival"] = frame.arrival - POSTGRES_EPOCH_US
    rows["device"] = frame.device
    if flag is not None:
        rows["flag"] = flag
    for i, name in enumerate(metrics):
        rows[f"m{i}"] = frame.metrics[name]
    return SIGNATURE + _without_nulls(rows, frame, metrics) + TRAILER


def unpack(cls: str, data: bytes, metrics: tuple[str, ...]) -> Frame:
    """The frame of binary COPY data of the columns (time, arrival, device, *metrics), no NULLs.

    Raises ValueError where a row has another length.
    """
    columns = _columns(metrics, flagged=False)
    layout = [("fields", ">i2")]
    for name, width in columns:
        layout += [(f"{name}#", ">i4"), (name, width)]
    body = memoryview(data)[len(SIGNATURE) : len(data) - len(TRAILER)]
    rows = np.frombuffer(body, np.dtype(layout))
    return Frame(
        cls,
        rows["time"].astype(np.int64) + POSTGRES_EPOCH_US,
        rows["arrival"].astype(np.int64) + POSTGRES_EPOCH_US,
        rows["device"].astype(np.int32),
        {name: rows[f"m{i}"].astype(np.float64) for i, name in enumerate(metrics)},
    )


def _columns(metrics: tuple[str, ...], flagged: bool) -> list[tuple[str, str]]:
    fixed = [("time", ">i8"), ("arrival", ">i8"), ("device", ">i4")]
    fixed += [("flag", "|i1")] * flagged
    return fixed + [(f"m{i}", ">f8") for i in range(len(metrics))]


def _without_nulls(rows: NDArray[np.void], frame: Frame, metrics: tuple[str, ...]) -> bytes:
    nulls = {f"m{i}": np.isnan(frame.metrics[name]) for i, name in enumerate(metrics)}
    if not any(absent.any() for absent in nulls.values()):
        return rows.tobytes()
    for name, absent in nulls.items():
        rows[f"{name}#"][absent] = -1
    raw = rows.view(np.uint8).reshape(len(rows), rows.dtype.itemsize)
    keep = np.ones(raw.shape, dtype=bool)
    for name, absent in nulls.items():
        fields = rows.dtype.fields
        assert fields is not None
        start = fields[name][1]
        keep[absent, start : start + 8] = False
    return raw[keep].tobytes()
