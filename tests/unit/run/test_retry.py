"""Rejects as records of the stream: what goes, what stays, and in which batches."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kel.model.moment import to_us
from kel.records import decode, encode
from kel.run.retry import (
    CUT,
    HAS_VALUE,
    IN_ORDER,
    LARGEST,
    NO_MESSAGE,
    OF_CAMERA,
    obstacle,
    records_of,
)
from kel.store.retries import Stored

AT = datetime(2026, 10, 18, 9, tzinfo=UTC)


def stored(
    topic: str = "kel/v1/a/b/telemetry",
    payload: bytes = b"{}",
    *,
    size: int | None = None,
    reason: str = "unknown_device",
    at: datetime = AT,
) -> Stored:
    whole = len(payload) if size is None else size
    return Stored(uuid4(), at, topic, payload, whole, reason, "", None, None, None, None)


@pytest.mark.parametrize(
    ("reject", "why"),
    [
        (stored(), None),
        (stored(payload=b"", reason="empty"), None),
        (stored(reason="internal"), None),
        (stored(payload=b"x" * 10, size=11), CUT),
        (stored(reason="contradiction"), HAS_VALUE),
        (stored("kel.raw/3/17", reason="bad_record"), NO_MESSAGE),
        (stored(reason="wrong_crew"), NO_MESSAGE),
        (stored("spBv1.0/g/DDATA/n/d"), IN_ORDER),
        (stored("spBv1.0/g/DBIRTH/n/d", b"x", size=10**5), IN_ORDER),
        (stored("frigate/events", b"", size=500), OF_CAMERA),
        (stored("frigate/events"), OF_CAMERA),
        (stored("onvif/c/onvif-ej/RuleEngine/SmokeDetector", b"", size=500), OF_CAMERA),
    ],
)
def test_what_cannot_be_given_again(reject: Stored, why: str | None) -> None:
    assert obstacle(reject) == why


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 300_000))))
def test_every_reject_is_in_one_record_of_its_partition_and_arrival(
    told: list[tuple[int, int, int]],
) -> None:
    rejects = [
        stored(f"topic/{partition}", b"x" * size, at=AT + timedelta(seconds=second))
        for partition, second, size in told
    ]
    records = list(records_of(rejects, lambda topic: int(topic[-1])))
    by_id: dict[UUID, Stored] = {r.id: r for r in rejects}
    seen = []
    for partition, batch, ids in records:
        assert decode(encode(batch)) == batch
        assert batch.bridge == ""
        assert batch.tick is None
        assert sum(len(m.payload) for m in batch.messages) <= LARGEST
        for message, id_ in zip(batch.messages, ids, strict=True):
            reject = by_id[id_]
            assert int(reject.topic[-1]) == partition
            assert message == (reject.topic, reject.payload, to_us(reject.arrival))
        seen += ids
    assert sorted(seen) == sorted(by_id)
