"""What a retry came to, in words."""

from uuid import UUID

import pytest

from kel.cli.rejected import outcome
from kel.run.retry import Retried

ONE = [UUID(int=1)]


@pytest.mark.parametrize(
    ("told", "lines"),
    [
        (Retried(), ["Τίποτε να δοθεί ξανά"]),
        (Retried(ONE, taken=3), ["Δεκτά: 3"]),
        (
            Retried(ONE, taken=1, partly=2),
            ["Δεκτά: 1", "Δεκτά εν μέρει: 2, για το υπόλοιπο μένουν στις απορρίψεις"],
        ),
        (
            Retried(ONE, refused=4, waiting=5),
            [
                "Δεκτά: 0",
                "Απορρίφθηκαν ξανά: 4 (kel rejected list)",
                "Περιμένουν στον Kafka: 5· δεν δουλεύει κανένας worker;",
            ],
        ),
    ],
)
def test_the_outcome_tells_taken_partly_refused_and_waiting(
    told: Retried, lines: list[str]
) -> None:
    assert outcome(told) == lines
