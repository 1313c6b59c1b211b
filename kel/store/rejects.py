"""What was refused: kept with its bytes, and counted.

Laws:
- every refused message is counted once (`reject_tally`, the view `reject_count`), whether its bytes
  are kept or not, and however often it is retried;
- a stranger (`unknown_device` with a sender) becomes a draft, and so does each of several in one
  message: the first KEPT messages of it are kept, up to KEPT_BYTES, and the rest counted; of a
  camera, whose bytes are never kept, the first stands for all. There are DRAFTS drafts at most:
  what further strangers send goes to one draft without a name, so that a sender who invents a new
  address for every message fills neither table nor disk (at worst about 1.3 GB);
- of the others so much a day is kept as `Allowance` lets, and the rest counted;
- all of it happens in the caller's transaction, a few statements a batch;
- what comes back from a retry loses its mark, and is counted no second time (`kel.store.retries`).
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection, Cursor

from ingest.validate import Reason
from kel.model.request import Reject
from kel.store.allowance import Allowance
from kel.store.connect import query

DRAFTS = 10_000
KEPT = 100  # messages of a stranger
KEPT_BYTES = 64 * 1024  # of them together; the first one is kept in any case
NAMELESS = ("", "")  # the draft of all strangers beyond DRAFTS

Sender = tuple[str, str]  # source, address


@dataclass(slots=True)
class Draft:
    """What a batch adds to a stranger's draft, and what was kept of it before."""

    first: Reject
    last_at: datetime
    count: int = 0
    had: int = 0
    had_bytes: int = 0
    kept: int = 0
    bytes: int = 0

    def wants(self, reject: Reject) -> bool:
        """Whether a message's bytes are to be kept."""
        kept, size = self.had + self.kept, self.had_bytes + self.bytes + len(reject.payload)
        most = KEPT if reject.payload or not reject.size else 1
        return kept < most and (not kept or size <= KEPT_BYTES)

    def add(self, reject: Reject, kept: bool) -> None:
        """Count a message, whose bytes are kept or not."""
        self.count += 1
        self.last_at = max(self.last_at, reject.arrival)
        self.kept += kept
        self.bytes += kept * len(reject.payload)


def put_rejects(
    cursor: Cursor, rejects: Iterable[Reject], allowance: Allowance | None = None
) -> None:
    """Count what was refused, and store what is kept of it, with its bytes and the reason."""
    all_ = list(rejects)
    if not all_:
        return
    once = {r.id: r for r in reversed(all_)}  # the same message twice is one row
    ids = list(once)
    returning = {id_ for (id_,) in cursor.execute(query("returning_rejects"), [ids]).fetchall()}
    new = [r for r in all_ if r.id not in returning]
    _count(cursor, new)
    kept = [r for r in _without_surplus(cursor, new) if allowance is None or allowance.takes(r)]
    rows = {r.id: r for r in (*kept, *(once[id_] for id_ in returning))}
    _insert(cursor, list(rows.values()))


def _insert(cursor: Cursor, rows: Sequence[Reject]) -> None:
    if not rows:
        return
    columns = zip(
        *(
            (r.id, r.arrival, r.topic, r.payload, r.size, r.reason, r.detail, r.device)
            + (r.source, r.address, r.partly, _addresses(r))
            for r in rows
        ),
        strict=True,
    )
    cursor.execute(query("put_rejects"), [list(column) for column in columns])


def _addresses(reject: Reject) -> str | None:
    """The strangers of a message that has several, as a JSON list."""
    several = [address for source, address in reject.strangers if source == reject.source]
    return json.dumps(several) if len(several) > 1 else None


def _count(cursor: Cursor, rejects: Iterable[Reject]) -> None:
    counts = Counter(
        (r.arrival.replace(second=0, microsecond=0), r.reason, r.device or "") for r in rejects
    )
    if counts:
        lines = [(*key, n) for key, n in sorted(counts.items())]
        columns = zip(*lines, strict=True)
        cursor.execute(query("count_rejects"), [list(column) for column in columns])


def _without_surplus(cursor: Cursor, rejects: Sequence[Reject]) -> list[Reject]:
    """Those whose bytes are to be kept; strangers' messages are counted in their drafts."""
    strangers = [r for r in rejects if strangers_of(r)]
    if not strangers:
        return list(rejects)
    drafts = _drafts(cursor, strangers)
    kept = []
    for reject in rejects:
        senders = {s if s in drafts else NAMELESS for s in strangers_of(reject)}
        keep = not senders or any(drafts[s].wants(reject) for s in senders)
        for sender in senders:
            drafts[sender].add(reject, keep)
        if keep:
            kept.append(reject)
    lines = [
        (*sender, d.first.arrival, d.last_at, d.count, d.kept, d.bytes, d.first.topic)
        for sender, d in sorted(drafts.items())
    ]
    cursor.execute(query("put_drafts"), [list(column) for column in zip(*lines, strict=True)])
    return kept


def _drafts(cursor: Cursor, strangers: Sequence[Reject]) -> dict[Sender, Draft]:
    """A draft for each sender that has one or may still get one, and the nameless where needed."""
    first: dict[Sender, Reject] = {}
    for reject in strangers:
        for sender in strangers_of(reject):
            first.setdefault(sender, reject)
    sources, addresses = zip(*first, NAMELESS, strict=True)
    stood = {
        (source, address): (kept, kept_bytes)
        for source, address, kept, kept_bytes in cursor.execute(
            query("drafts_kept"), [list(sources), list(addresses)]
        ).fetchall()
    }
    fresh = [sender for sender in first if sender not in stood]
    room = DRAFTS - _how_many(cursor) if fresh else 0
    surplus = fresh[max(room, 0) :]
    if surplus:
        first[NAMELESS] = first[surplus[0]]
        for sender in surplus:
            del first[sender]
    drafts = {}
    for sender, reject in first.items():
        had, had_bytes = stood.get(sender, (0, 0))
        drafts[sender] = Draft(reject, reject.arrival, had=had, had_bytes=had_bytes)
    return drafts


def _how_many(cursor: Cursor) -> int:
    row = cursor.execute(query("count_drafts")).fetchone()
    return int(row[0]) if row else 0


def strangers_of(reject: Reject) -> Sequence[Sender]:
    """The strangers that speak in it; none where devices of the city do, or nobody with a name."""
    if reject.reason != Reason.UNKNOWN_DEVICE or not reject.source or not reject.address:
        return ()
    return reject.strangers or ((reject.source, reject.address),)


def forget(connection: Connection, before: datetime, now: datetime) -> int:
    """Delete what was refused before the retention, and drafts that were last heard before it.

    Tallies older than two days are summed up by the day. Returns how many messages were deleted.
    """
    with connection.transaction():
        deleted = connection.execute(query("forget_rejects"), [before]).rowcount
        connection.execute(query("forget_drafts"), [before])
        connection.execute(query("recount_drafts"), [before])
        connection.execute(query("forget_tally"), [before])
        connection.execute(query("roll_up_tally"), [now])
    return deleted
