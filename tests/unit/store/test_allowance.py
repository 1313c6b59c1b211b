from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from kel.model.request import Reject
from kel.store import allowance
from kel.store.allowance import MESSAGES, Allowance

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
BAD = Reject(UUID(int=1), NOON, "kel/v1/drosia/zm-01/telemetry", b"{", 1, "not_json", "…", "zm-01")


def test_one_device_and_reason_has_its_share_a_day_and_takes_nobody_elses() -> None:
    kept = Allowance()
    assert sum(kept.takes(BAD) for _ in range(MESSAGES + 50)) == MESSAGES
    assert kept.takes(replace(BAD, device="zm-02"))
    assert kept.takes(replace(BAD, reason="empty"))
    assert kept.takes(replace(BAD, device=None))
    assert kept.takes(replace(BAD, arrival=NOON + timedelta(days=1)))


def test_all_together_stay_below_a_days_bytes(monkeypatch) -> None:
    monkeypatch.setattr(allowance, "MOST_BYTES", 100)
    kept = Allowance()
    said = [replace(BAD, device=f"zm-{n}", payload=b"x" * 30) for n in range(10)]
    assert [kept.takes(r) for r in said].count(True) == 3
    assert not kept.takes(replace(BAD, payload=b"x" * 11))
    assert kept.takes(replace(BAD, payload=b"x" * 10))
