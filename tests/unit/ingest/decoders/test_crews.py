from typing import Any

import pytest

from ingest.intake import Taken
from ingest.validate import Reason
from kel.model.ids import make_id
from tests.builders import ingest_city as city

ORDER = "6c84fb90-12c4-11e1-840d-7b25c5ee775a"
GIVEN = "0b9a1f9e-33a3-4f62-8a44-0d8f4f7f3c11"


def said(crew: str = "water-1", **more: Any) -> Taken:
    body = {"order": ORDER, "action": "complete", **more}
    return city.intake().take([city.message(f"kel/v1/crews/{crew}/replies", body, city.NOW_US)])


def used(*lines: tuple[str, float]) -> list[dict[str, object]]:
    return [{"item": item, "quantity": quantity} for item, quantity in lines]


@pytest.mark.parametrize(
    ("lines", "taken"),
    [
        ([("sand", 10_000)], True),
        ([("sand", 10_001)], False),
        ([("sand", 6_000), ("clamp", 1), ("sand", 6_000)], False),  # too much in all
        ([("sand", 6_000), ("clamp", 6_000)], True),
    ],
)
def test_what_was_used_of_an_item_stays_within_belief(
    lines: list[tuple[str, float]], taken: bool
) -> None:
    heard = said(used=used(*lines))
    assert (len(heard.replies), len(heard.rejects)) == ((1, 0) if taken else (0, 1))
    assert {r.reason for r in heard.rejects} <= {Reason.BAD_REPLY}


def test_one_crew_cannot_take_the_id_of_anothers_reply() -> None:
    (mine,), (theirs,) = said(id=GIVEN).replies, said("pumps", id=GIVEN).replies
    assert mine.id == make_id("reply", "water-1", GIVEN)
    assert mine.id != theirs.id


def test_an_id_says_the_same_however_it_is_written() -> None:
    (one,), (other,) = said(id=GIVEN).replies, said(id=GIVEN.upper()).replies
    assert one.id == other.id


@pytest.mark.parametrize(
    ("action", "taken"),
    [("complete", True), ("leave", True), ("accept", False), ("arrive", False), ("decline", False)],
)
def test_only_what_ends_an_order_reports_material(action: str, taken: bool) -> None:
    heard = said(action=action, used=used(("sand", 1)))
    assert bool(heard.replies) is taken
    assert [r.detail for r in heard.rejects] == (
        [] if taken else ["only complete and leave report material"]
    )
    assert said(action=action).replies
