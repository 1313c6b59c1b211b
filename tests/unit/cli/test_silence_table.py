"""Silences and what they hid as a terminal shows them, and one incident whole."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import click
import pytest

from kel.cli import incident_show
from kel.cli.asking import moment_text
from kel.cli.silence_commands import whole
from kel.cli.silence_table import about, hidden_table, silence_table, span
from kel.model.ids import make_id
from kel.model.incident import Handover, IncidentEvent, IncidentState
from kel.model.silence import Silence
from tests.builders.costs_city import incident

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
NIGHTS = replace(ONCE, days=frozenset({2, 0}), since=time(22), until=time(6))


def test_a_silence_says_what_when_who_and_why() -> None:
    head, _, line = (text.plain for text in silence_table([(ONCE, 3, 1)], 200, ZONE))
    assert head == "Σιγάσεις (1)"
    for told in ("Σ-2026-0001", about(ONCE), span(ONCE, ZONE), "3 (1)", "Άννα", "πλύσιμο δικτύου"):
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
    assert about(ONCE) == "ζώνη z01/z02, κανόνας leak"


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
    row = (make_id("alert", 1), "leak", "ls-1", "Αισθητήρας", 3, NOW, cleared, over, spoke, None)
    *_, line = hidden_table([row], 200, ZONE)
    assert told in line.plain and str(row[0])[:8] in line.plain


@pytest.mark.parametrize("given", ["Σ-2026-0003", "S-2026-0003", "2026-0003"])
def test_a_number_may_be_typed_without_greek(given: str) -> None:
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
    assert moment_text(text, NOW, ZONE) == moment


@pytest.mark.parametrize("text", ["soon", "h", "-2h", "99999999d", "2026-13-01"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(click.BadParameter):
        moment_text(text, NOW, ZONE)


def test_an_incident_shows_how_it_stands() -> None:
    given = replace(
        incident(),
        state=IncidentState.HANDED_ON,
        handed=Handover("ΔΕΔΔΗΕ", "4711", NOW, NOW + timedelta(days=2)),
        assigned="water-1",
    )
    told = "\n".join(t.plain for t in incident_show.head(given, {"water-1": "Ύδρευση 1"}, ZONE))
    assert given.number in told and given.title in told and "διαβιβάστηκε" in told
    assert "διαβιβάστηκε σε ΔΕΔΔΗΕ, αρ. πρωτ. 4711, ερώτηση ξανά 20/10 12:00" in told
    assert "υπεύθυνος: Ύδρευση 1" in told


def test_members_have_ids_that_can_be_typed() -> None:
    alert, request = make_id("alert", 1), make_id("request", 1)
    lines = incident_show.members(
        [(alert, "leak", "ls-1", "Αισθητήρας 1", 3, NOW, None)], [(request, "road", NOW)], 200, ZONE
    )
    _, first, second = (line.plain for line in lines)
    assert first.startswith(str(alert)[:8]) and "ενεργή" in first and "υψηλή" in first
    assert second.startswith(str(request)[:8]) and "αίτημα πολίτη: road" in second


def test_the_history_is_in_the_words_of_all_screens() -> None:
    events = [IncidentEvent(make_id("e", 1), incident().id, NOW, "handed_on", "Άννα", "ΔΕΔΔΗΕ")]
    assert incident_show.history(events, 200, ZONE)[1].plain.split() == [
        *("18/10", "12:00", "διαβιβάστηκε", "Άννα", "ΔΕΔΔΗΕ"),
    ]
