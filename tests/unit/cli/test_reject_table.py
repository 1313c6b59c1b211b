"""Rejects on a terminal."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from ingest.validate import ADVICE, Reason
from kel.cli.reject_table import OBSTACLE, group_table, left_alone
from kel.run import retry
from kel.store.retries import Group, Totals

AT = datetime(2026, 10, 18, 9, tzinfo=UTC)


def group(reason: str, n: int, **changes: object) -> Group:
    last = AT + timedelta(minutes=n)
    plain = Group(
        reason, f"zm-{n:02}", None, None, None, n, AT, last, 0, UUID(int=n << 100), None
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]


def lines(*groups: Group, nameless: int = 0, width: int = 100) -> list[str]:
    totals = Totals(sum(g.kept for g in groups), sum(g.kept for g in groups), nameless)
    return [line.plain for line in group_table(groups, totals, "Europe/Athens", width)]


def test_each_reason_stands_once_with_its_code_and_what_to_do_over_its_groups() -> None:
    told = lines(group("wrong_type", 9), group("not_json", 7), group("wrong_type", 3))
    at = told.index("Λάθος τύπος τιμής (wrong_type)")
    assert told[at + 1] == ADVICE[Reason.WRONG_TYPE].action
    assert told[1].split() == ["Αποστολέας", "Πλήθος", "Τελευταίο", "Παράδειγμα"]
    assert [line.split()[0] for line in told[at + 2 : at + 4]] == ["zm-09", "zm-03"]
    assert told[at + 2].endswith("9       18/10 12:09  00000090")
    assert told.index("Μη έγκυρο JSON (not_json)") > at
    assert sum("(wrong_type)" in line for line in told) == 1


def test_of_the_groups_only_a_long_topic_is_cut_at_100_columns() -> None:
    rows = lines(
        group("unknown_topic", 2, device=None, topic="a/" * 200),
        group(
            "unknown_device", 1, device=None, source="chirpstack", address="0004a30b001c0530",
            kept=100, count=123_456, retried=100,
        ),
    )  # fmt: skip
    told = "\n".join(rows)
    assert all(len(row) <= 100 for row in rows if row.startswith("  "))
    assert "chirpstack 0004a30b001c0530" in told
    assert "123.456 (κρατ. 100) (ξανά 100)" in told
    assert "a/a/" in told
    assert "…  " in told


def test_what_was_not_kept_is_counted() -> None:
    assert "Και 1 μήνυμα από αποστολείς" in "\n".join(lines(group("not_json", 1), nameless=1))
    assert "Και 2.000 μηνύματα" in "\n".join(lines(group("not_json", 1), nameless=2000))


def test_what_a_retry_leaves_alone_is_told_in_greek() -> None:
    told = {v for k, v in vars(retry).items() if k.isupper() and type(v) is str and " " in v}
    assert retry.CUT in told
    assert told == set(OBSTACLE)
    for why in told:
        line = left_alone(why, 1200)
        assert re.fullmatch(r"Μένουν ως έχουν: 1\.200, .*[α-ω].*", line)
        assert len(line) <= 100
