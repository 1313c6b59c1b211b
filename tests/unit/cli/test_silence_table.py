"""Silences and what they hid as a terminal shows them."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import click
import pytest
from click.testing import CliRunner

from kel.cli import asking
from kel.cli.asking import moment_text
from kel.cli.silence_commands import silences, whole
from kel.cli.silence_table import hidden_table, one, silence_table
from kel.model.ids import make_id
from kel.model.silence import Silence
from rules.incidents.hush_words import about, span

ZONE = ZoneInfo("Europe/Athens")
NOW = datetime(2026, 10, 18, 9, tzinfo=UTC)
ONCE = Silence(
    make_id("silence", 1),
    "Σ-2026-0001",
    "Άννα",
    "πλύσιμο δικτύου",
    NOW,
    NOW,
    NOW + timedelta(hours=4),
    {"zone": ("z01", "z02"), "rule": ("leak",)},
)
NAMES = {"z01": "Άνοιξη – Νότος", "leak": "«Ήχος διαρροής»"}
NIGHTS = replace(ONCE, days=frozenset({2, 0}), since=time(22), until=time(6))


def NAME(_pick: str, value: str) -> str:  # noqa: N802 - a constant of these tests
    return NAMES.get(value, value)


def test_a_silence_says_what_when_who_and_why() -> None:
    head, _, line = (text.plain for text in silence_table([(ONCE, 3, 1)], 200, ZONE, NAME))
    assert head == "Σιγάσεις (1)"
    for told in (
        "Σ-2026-0001",
        about(ONCE, NAME),
        span(ONCE, ZONE),
        "3 (1)",
        "Άννα",
        "πλύσιμο δικτύου",
    ):
        assert told in line


@pytest.mark.parametrize(
    ("silence", "told"),
    [
        (ONCE, "18/10 12:00 – 18/10 16:00"),
        (NIGHTS, "18/10 12:00 – 18/10 16:00, Δε Τε 22:00–06:00"),
        (
            replace(ONCE, ended_at=NOW + timedelta(hours=1)),
            "18/10 12:00 – 18/10 16:00, άρση 18/10 13:00",
        ),
        (replace(ONCE, ended_at=ONCE.ends_at), "18/10 12:00 – 18/10 16:00"),
    ],
)
def test_when_it_holds(silence: Silence, told: str) -> None:
    assert span(silence, ZONE) == told


def test_what_it_is_about() -> None:
    assert about(ONCE, NAME) == "ζώνη Άνοιξη – Νότος/z02, κανόνας «Ήχος διαρροής»"
    twice = replace(ONCE, picks={"feeder": ("f1",)})
    assert about(twice, lambda *_: "Γραμμή 29 (Βενιζέλου)") == "γραμμή 29 (Βενιζέλου)"


def test_one_silence_is_told_whole() -> None:
    assert one(ONCE, ZONE, NAME) == (
        "Σ-2026-0001: ζώνη Άνοιξη – Νότος/z02, κανόνας «Ήχος διαρροής» · "
        "18/10 12:00 – 18/10 16:00 · Άννα: πλύσιμο δικτύου"
    )


@pytest.mark.parametrize(
    ("over", "cleared", "spoke", "told"),
    [
        (None, None, False, "κρύβεται ακόμη"),
        (NOW, NOW, False, "έληξε 18/10 12:00"),
        (NOW, None, True, "ακούστηκε 18/10 12:00"),
    ],
)
def test_what_became_of_what_it_hid(
    over: datetime | None, cleared: datetime | None, spoke: bool, told: str
) -> None:
    row = (
        make_id("alert", 1),
        "leak",
        "v1",
        "ls-1",
        "Αισθητήρας",
        3,
        NOW,
        cleared,
        over,
        spoke,
        None,
    )
    *_, line = hidden_table([row], 200, ZONE, {"leak": "Ήχος διαρροής"})
    assert told in line.plain and "Ήχος διαρροής" in line.plain and str(row[0])[:8] in line.plain


@pytest.mark.parametrize("given", ["Σ-2026-0003", "S-2026-0003", "2026-0003", "3"])
def test_a_number_may_be_typed_without_greek(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "desk_now", lambda: NOW)
    assert whole(given) == "Σ-2026-0003"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2h", "2026-10-18T11:00:00+00:00"),
        ("3d", "2026-10-21T09:00:00+00:00"),
        ("45m", "2026-10-18T09:45:00+00:00"),
        ("2026-10-19", "2026-10-19T00:00:00+03:00"),
        ("2026-10-26T09:30", "2026-10-26T09:30:00+02:00"),  # winter time
        ("2026-10-26T09:30+00:00", "2026-10-26T09:30:00+00:00"),
        (None, None),
    ],
)
def test_moments_as_people_write_them(text: str | None, moment: str | None) -> None:
    assert moment_text(text, NOW, ZONE, "--until") == moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-10-24", "2026-10-25T00:00:00+03:00"),
        ("2026-10-25", "2026-10-26T00:00:00+02:00"),  # winter time
        ("2026-10-24T00:00", "2026-10-24T00:00:00+03:00"),
        ("2h", "2026-10-18T11:00:00+00:00"),
        ("9999-12-31", "9999-12-31T00:00:00+02:00"),
    ],
)
def test_a_day_as_an_end_is_with_that_day(text: str, moment: str) -> None:
    assert moment_text(text, NOW, ZONE, "--until", whole_day=True) == moment


@pytest.mark.parametrize("text", ["soon", "h", "-2h", "99999999d", "2026-13-01"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(click.BadParameter) as refused:
        moment_text(text, NOW, ZONE, "--until")
    assert refused.value.format_message().startswith("Invalid value for --until: ")


def test_the_last_silences_are_one_at_least() -> None:
    done = CliRunner().invoke(silences, ["--most", "0"])
    assert done.exit_code == 2 and "--most" in done.output
