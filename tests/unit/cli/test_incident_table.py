"""The list of incidents at any width: numbers whole, titles cut, the words of all screens."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from kel.cli.incident_table import SEVERITY_COLOUR, UNCUT, Line, short, table
from kel.model.alert import Severity
from kel.model.incident import ACTIVE
from kel.model.labels import ORDER_LABEL, SEVERITY_LABEL, STATE_LABEL
from kel.model.order import OrderState

OPENED = datetime(2026, 10, 18, 9, 30, tzinfo=UTC)
CLOSED = datetime(2026, 10, 18, 11, tzinfo=UTC)
ZONE = "Europe/Athens"
TITLE = "Θραύση κεντρικού αγωγού — ζώνη Άγιος Στέφανος – Κέντρο και τα γύρω"
CREWS = {"water-2": "Ύδρευση 2 (απόγευμα και επιφυλακή)"}


def row(number="2026-0246", severity=4, state="in_progress", title=TITLE, order="default"):
    if order == "default":
        order = ["Ε-2026-0131", "water-2", "arrived", False]
    return (number, severity, state, "Δροσιά", title, OPENED, None, 3, 2, order)


def lines(*rows):
    return [Line.of_row(r, CREWS) for r in rows]


def shown(rows, width):
    return [text.plain for text in table(lines(*rows), width, ZONE)]


MANY = [row(), row("2026-0247", 0, "resolved", "Φθορά", None), row("2026-0248", 1, "acknowledged")]


@pytest.mark.parametrize("width", [80, 100, 120, 140, UNCUT])
def test_it_fits_and_numbers_are_whole(width):
    told = shown(MANY, width)
    assert max(map(cell_len, told)) <= width
    for number in ("2026-0246", "2026-0247", "2026-0248"):
        assert sum(line.startswith(f"{number}  ") for line in told) == 1
    assert sum("Ε-2026-0131 Ύδρευση 2, επί τόπου" in line for line in told) == 2
    assert sum("18/10 12:30" in line for line in told) == 3


@pytest.mark.parametrize(("width", "cut"), [(80, True), (100, True), (UNCUT, False)])
def test_a_title_may_be_cut_and_shows_it(width, cut):
    told = shown([row()], width)
    assert ("…" in "".join(told)) == cut
    assert (f"{TITLE} (3+2)" in "".join(told)) != cut


@given(
    st.integers(80, 250),
    st.lists(
        st.tuples(st.sampled_from(list(Severity)), st.text("αβγ—日e ", max_size=90)), max_size=5
    ),
)
def test_no_line_is_too_long(width, found):
    rows = [row(severity=int(s), title=t) for s, t in found]
    assert all(cell_len(line) <= width for line in shown(rows, width))


def test_the_order_stands_beside_where_there_is_room_and_below_elsewhere():
    assert sum("Ε-2026-0131" in line for line in shown([row()], 140)) == 1
    below = shown([row()], 80)
    assert below[3] == " " * 11 + "Ε-2026-0131 Ύδρευση 2, επί τόπου"


@pytest.mark.parametrize("state", list(OrderState))
def test_an_order_speaks_greek(state):
    told = "".join(shown([row(order=["Ε-2026-0131", "water-2", state.value, False])], 140))
    assert f"Ύδρευση 2, {ORDER_LABEL[state]}" in told
    assert state.value not in told


def test_a_part_that_was_left_to_others_is_not_told_to_be_done():
    told = "".join(shown([row(order=["Ε-2026-0131", "water-2", "completed", True])], 140))
    assert "Ύδρευση 2, παρέδωσε" in told


@pytest.mark.parametrize("state", sorted(ACTIVE))
def test_so_does_an_incident(state):
    assert STATE_LABEL[state] in shown([row(state=state.value)], 80)[2]


def test_what_is_closed_stands_apart_with_when_it_was_closed():
    more = (None, None, None, None, "road", "Φθορά", "z1", None, OPENED, None, CLOSED)
    told = shown([row(), (*row("2026-0240", state="closed"), *more)], 100)
    assert told[0] == "Συμβάντα (1)"
    (at,) = (n for n, line in enumerate(told) if line == "Κλειστά, τα νεότερα πρώτα (1)")
    assert told[at + 1].split()[:4] == ["Αρ.", "Σοβαρότητα", "Άνοιξε", "Έκλεισε"]
    assert told[at + 2].startswith("2026-0240") and "18/10 14:00" in told[at + 2]


@pytest.mark.parametrize(
    ("left_out", "told"),
    [
        (1, "1 ακόμη δεν φαίνεται: --most 2"),
        (213, "213 ακόμη δεν φαίνονται: --most 214"),
        (1200, "1.200 ακόμη δεν φαίνονται: --most 1201"),
    ],
)
def test_what_is_left_out_is_told_with_the_way_to_see_it(left_out, told):
    assert table(lines(row()), 100, ZONE, left_out)[-1].plain == told
    assert "ακόμη" not in table(lines(row()), 100, ZONE)[-1].plain


@pytest.mark.parametrize("severity", list(Severity))
def test_severity_has_its_word_and_colour(severity):
    line = table(lines(row(severity=int(severity))), 80, ZONE)[2]
    assert SEVERITY_LABEL[severity] in line.plain
    (span,) = line.spans
    assert span.style == SEVERITY_COLOUR[severity]


def test_a_crew_that_the_city_no_longer_has_is_told_by_its_id():
    assert "water-9, στάλθηκε" in "".join(
        shown([row(order=["Ε-2026-1", "water-9", "sent", False])], 80)
    )


def test_nothing_is_going_on():
    assert shown([], 80) == ["Συμβάντα (0)"]


def test_as_json_it_has_ids_and_utc():
    found = json.loads(json.dumps(lines(row())[0].as_json()))
    assert found == {
        "number": "2026-0246",
        "severity": "critical",
        "state": "in_progress",
        "community": "Δροσιά",
        "title": TITLE,
        "opened_at": "2026-10-18T09:30:00+00:00",
        "acknowledged_at": None,
        "alerts": 3,
        "requests": 2,
        "order": "Ε-2026-0131",
        "crew": "water-2",
        "crew_name": "Ύδρευση 2 (απόγευμα και επιφυλακή)",
        "order_state": "arrived",
        "handed_over": False,
        "reopened_at": None,
        "handed_to": None,
        "assigned": None,
        "demanded": None,
        "category": "",
        "category_label": "",
        "zone": None,
        "feeder": None,
        "started_at": None,
        "resolved_at": None,
        "closed_at": None,
    }


def test_what_waits_again_and_what_was_handed_on_is_told():
    again = (*row(state="open", order=None), OPENED, None, None)
    handed = (*row("2026-0247", state="handed_on"), None, "ΔΕΔΔΗΕ", "Άννα")
    told = shown([again, handed], UNCUT)
    assert "άνοιξε ξανά" in told[2] and told[3].endswith("→ ΔΕΔΔΗΕ")
    assert "διαβιβάστηκε" in told[3]


@pytest.mark.parametrize(
    ("name", "told"), [("Ύδρευση 1 (πρωινό)", "Ύδρευση 1"), ("Αντλιοστάσια", "Αντλιοστάσια")]
)
def test_a_crews_short_name(name, told):
    assert short(name) == told
