"""One incident as a terminal shows it: all that an operator needs, in Greek, at any width."""

from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from kel.cli.incident_alerts import FEW, MANY
from kel.cli.incident_gather import parts_ahead
from kel.cli.incident_history import lines_of
from kel.cli.incident_show import STEPS, show
from kel.cli.incident_sight import Newest, Sight
from kel.model.alert import Alert, Evidence
from kel.model.ids import make_id
from kel.model.incident import Handover, Incident, IncidentEvent, IncidentState
from kel.model.order import OrderState
from kel.model.runbook import Heading
from kel.reports.trace_words import Words
from rules.incidents.ahead import Next
from tests.builders.city import alert, at, cleared, request
from tests.builders.incidents import CITY, Day, order_of

ZONE = ZoneInfo("Europe/Athens")
BURST = alert(CITY, "zm-01", "main_burst", at("02:40"), at("02:50"))
FACTS = {"value": 29.5, "expected": 2.9, "excess": 26.6, "limit": 6.0, "for_s": 1200.0}
EVIDENCE = Evidence("zone", "zm-01", "flow", at("02:40"), at("02:50"), FACTS)
BURST = replace(BURST, kind="night_flow", evidence=EVIDENCE, rule="zone-night-flow")
RULES = {"zone-night-flow": "Νυχτερινή παροχή ζώνης", "lamp-silent": "Φωτιστικό χωρίς σήμα"}
FIRE = Heading("main_burst", "Θραύση", "1. Κλείσε τη βάνα.\n2. Κάλεσε\n   το συνεργείο.")
ORDER = ("Ε-2026-0007", "water-1", "arrived", at("03:05"), at("03:25"), at("08:25"))


def opened(*signs: Any) -> Incident:
    day = Day()
    day.put(*(signs or (BURST,)))
    return day.one


def sight(incident: Incident | None = None, **values: Any) -> Sight:
    known: dict[str, Any] = {
        "incident": incident or opened(),
        "zone": ZONE,
        "words": Words(CITY),
        "alerts": [BURST],
        "requests": [],
        "orders": [],
        "crews": {"water-1": "Ύδρευση 1 (πρωινό)"},
        "devices": {"zm-01": Newest("Μετρητής Άνοιξη", at("03:40"), {"flow": 31.25})},
        "rules": RULES,
    }
    return Sight(**{**known, **values})


def shown(given: Sight, width: int = 100, *, unfold: bool = False) -> str:
    return "\n".join(line.plain.rstrip() for line in show(given, width, unfold))


def test_the_head_says_what_where_since_when_and_who() -> None:
    told = shown(sight())
    assert told.startswith("2026-0001  Θραύση αγωγού — ")
    for part in (
        "κατάσταση  κρίσιμη, ανοικτό από 04/03 02:50",
        f"κατηγορία  {CITY.categories['main_burst'].label}",
        f"τόπος      {CITY.communities['drosia'].name} · ζώνη {CITY.zones['z01'].name}",
        "πορεία     άρχισε 04/03 02:40 · άνοιξε 02:50",
        "ποιος      δεν το έχει αναγνωρίσει κανείς",
    ):
        assert part in told


def test_an_active_alert_says_value_against_limit_and_what_the_device_says_now() -> None:
    told = shown(sight())
    assert "1 ειδοποίηση, 1 ενεργή" in told
    _, _, rest = told.partition(str(BURST.id)[:8])
    assert rest.splitlines()[0].strip() == "κρίσιμη: Νυχτερινή παροχή ζώνης · Μετρητής Άνοιξη"
    assert "29,5" in rest and "(όριο 6) επί 20 λεπτά" in rest
    assert "από 04/03 02:40, ενεργή, τελευταία τιμή 31,2" in rest and "(04/03 03:40)" in rest


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"alerts": [cleared(BURST, at("08:18"))]}, "από 04/03 02:40, έληξε 04/03 08:18"),
        ({"dismissed": frozenset({BURST.id})}, "ενεργή όταν έκλεισε το συμβάν: σωπαίνει"),
        ({"causes": {BURST.id: "zm-01"}}, "· την εξηγεί: Μετρητής Άνοιξη"),
    ],
)
def test_how_an_alert_stands(values: dict[str, Any], told: str) -> None:
    assert told in shown(sight(**values))


def lamps(count: int, active: int) -> list[Alert]:
    lamp = next(d for d in CITY.devices.values() if d.cls == "lamp")
    made = []
    for n in range(count):
        one = alert(CITY, lamp.id, "lamp", at("02:00") + timedelta(seconds=n), rule="lamp-silent")
        one = replace(one, id=make_id("lamp", n), device=f"la-{n:03}")
        made.append(one if n < active else cleared(one, at("04:00")))
    return made


def test_what_another_explains_is_one_line_a_rule() -> None:
    many = lamps(48, 12)
    given = sight(alerts=[BURST, *many], causes={a.id: "zm-01" for a in many})
    folded = shown(given, 200)
    assert "Φωτιστικό χωρίς σήμα: 48 συσκευές, 12 ενεργές ακόμη · τις εξηγεί: Μετρητής" in folded
    assert "όλες μία μία: kel incidents show 2026-0001 --all" in folded
    assert not any(str(a.id)[:8] in folded for a in many)
    unfolded = shown(given, 200, unfold=True)
    assert all(str(a.id)[:8] in unfolded for a in many) and "μία μία" not in unfolded


@pytest.mark.parametrize("count", [1, FEW, FEW + 1])
def test_a_few_that_are_explained_are_listed(count: int) -> None:
    many = lamps(count, 0)
    told = shown(sight(alerts=[BURST, *many], causes={a.id: "zm-01" for a in many}))
    assert sum(str(a.id)[:8] in told for a in many) == (count if count <= FEW else 0)


def test_of_many_that_speak_the_active_come_first_and_the_rest_are_counted() -> None:
    many = lamps(MANY + 3, 2)
    told = shown(sight(alerts=many))
    listed = [a for a in many if str(a.id)[:8] in told]
    assert len(listed) == MANY and listed[:2] == many[:2]
    assert "Φωτιστικό χωρίς σήμα: 3 ακόμη ειδοποιήσεις" in told


def test_requests_have_greek_labels_and_safe_text() -> None:
    asked = replace(request("tree", at("06:50")), text="Τρέχει \x1b[2Jνερό\nεδώ")
    told = shown(sight(requests=[asked]))
    line = f"{str(asked.id)[:8]}  04/03 06:50 {CITY.categories['tree'].label}: «"
    assert "1 αίτημα\n" in told and line in told
    assert "\\u001b[2Jνερό εδώ" in told and "\x1b" not in told


def test_an_order_that_never_began_hands_nothing_over() -> None:
    known, crew, _, *made = ORDER
    rest = (
        None,
        None,
        None,
        at("03:35"),
        "",
        "",
        timedelta(hours=2),
        at("03:20"),
        "η ζημιά πέρασε",
    )
    told = shown(sight(orders=[(known, crew, "withdrawn", *made, *rest)]), 200)
    assert "αποσύρθηκε" in told and "παράδοση" not in told


@pytest.mark.parametrize(
    ("rest", "told"),
    [
        (
            (at("03:08"), at("03:30"), None, at("03:35"), "", "", timedelta(), None, ""),
            "Ύδρευση 1, επί τόπου · δόθηκε 04/03 03:05 · δέχτηκε 03:08 · έφτασε 03:30 · "
            "προβλέπεται τέλος 08:25",
        ),
        (
            (
                at("03:08"),
                at("03:30"),
                at("07:55"),
                at("03:35"),
                "έτοιμο",
                "Ε-2026-0006",
                timedelta(hours=2),
                None,
                "",
            ),
            "δέχτηκε 03:08 · έφτασε 03:30 · τέλος 07:55 · "
            "συνεχίζει την Ε-2026-0006 · παράδοση βάρδιας, μένουν 2 ώ 00′ · έτοιμο",
        ),
    ],
)
def test_an_order_says_who_when_and_how_it_stands(rest: tuple[Any, ...], told: str) -> None:
    assert told in shown(sight(orders=[(*ORDER, *rest)]), 200)


def test_an_order_nobody_has_answered_says_until_when() -> None:
    sent = (
        "Ε-2026-0007",
        "water-1",
        "sent",
        *ORDER[3:],
        None,
        None,
        None,
        at("03:35"),
        "",
        "",
        timedelta(),
        None,
        "",
    )
    told = shown(sight(orders=[sent]), 200)
    assert "στάλθηκε · δόθηκε 04/03 03:05 · άφιξη 03:25 · προβλέπεται τέλος 08:25 · " in told
    assert "απάντηση ως 03:35" in told


HANDED = Handover("ΔΕΔΔΗΕ", "4711", at("03:00"), at("09:00", 6))
NEXT: list[tuple[Next, str]] = [
    (Next(at("03:05"), "called", ("Επιφυλακή",)), "04/03 03:05 καλείται Επιφυλακή, αν"),
    (Next(at("03:35"), "expired", ("Ύδρευση 1",)), "04/03 03:35 λήγει η εντολή, αν δεν απαντήσει"),
    (Next(at("09:00"), "still_active"), "04/03 09:00 ανοίγει ξανά, αν δεν έχουν συμφωνήσει"),
    (Next(at("06:00"), "silent", ("Σ-2026-0001",)), "ως τότε η σίγαση Σ-2026-0001 κρύβει"),
    (Next(at("09:00", 6), "ask_again"), "06/03 09:00 να ερωτηθεί ξανά: ΔΕΔΔΗΕ"),
    (Next(at("09:00"), "closed"), "04/03 09:00 κλείνει, αν μείνει ήσυχο"),
    (Next(at("09:00"), "verified"), "επαληθεύεται, αν μείνουν ήσυχοι οι αισθητήρες"),
    (Next(at("09:00"), "spoke"), "γίνεται δικό της συμβάν"),
    (
        Next(at("09:25"), "overdue", ("Ύδρευση 1", "Επιφυλακή")),
        "04/03 09:25 έχει αργήσει το συνεργείο Ύδρευση 1, αν δεν έχει τελειώσει και καλείται Επι",
    ),
    (Next(at("09:25"), "overdue", ("Ύδρευση 1",)), "Ύδρευση 1, αν δεν έχει τελειώσει\n"),
    (Next(at("09:25"), "part_done", ("Ύδρευση 1",)), "τελειώνει το μέρος του συνεργείου Ύδρευση 1"),
]


@pytest.mark.parametrize(("due", "told"), NEXT)
def test_what_happens_by_itself_is_told(due: Next, told: str) -> None:
    given = sight(replace(opened(), handed=HANDED), ahead=[due])
    assert told in shown(given, 200)


def test_for_whom_it_waits_where_nothing_happens_by_itself() -> None:
    assert "επόμενο    τίποτα μόνο του: περιμένει χειριστή ή εντολή" in shown(sight())
    order = (*ORDER, at("03:08"), at("03:30"), None, at("03:35"), "", "", timedelta(), None, "")
    assert "τίποτα μόνο του: περιμένει το συνεργείο" in shown(sight(orders=[order]))
    why = {"unplanned": (at("03:00"), "kel", "περιμένει τη βάρδια 07:00")}
    assert "χωρίς εντολή ακόμη: περιμένει τη βάρδια 07:00" in shown(sight(last=why))
    away = replace(opened(), state=IncidentState.HANDED_ON, handed=HANDED)
    assert "χωρίς εντολή" not in shown(sight(away, last=why))
    assert "τίποτα μόνο του: περιμένει χειριστή\n" in shown(sight(away, last=why))
    planned = {**why, "planned": (at("03:01"), "kel", "Ε-2026-0007")}
    assert "χωρίς εντολή" not in shown(sight(last=planned))


def test_a_closed_one_has_nothing_ahead() -> None:
    over = replace(opened(), state=IncidentState.CLOSED, closed_at=at("09:22"))
    told = shown(sight(over))
    assert "κρίσιμη, έκλεισε 04/03 09:22" in told and "επόμενο" not in told


@pytest.mark.parametrize(
    ("who", "why", "told"),
    [
        ("kel", "επαληθεύτηκε", "έκλεισε 04/03 09:22: επαληθεύτηκε\n"),
        (
            "Άννα",
            "ενώθηκε με το 2026-0002",
            "έκλεισε 04/03 09:22: ενώθηκε με το 2026-0002 (Άννα)\n",
        ),
    ],
)
def test_a_closed_one_says_why_and_where_it_went(who: str, why: str, told: str) -> None:
    over = replace(opened(), state=IncidentState.CLOSED, closed_at=at("09:22"))
    assert told in shown(sight(over, last={"closed": (at("09:22"), who, why)}))


def test_what_is_open_as_others_are_to_be_asked_says_so() -> None:
    again = replace(opened(), reopened_at=at("09:00"), handed=replace(HANDED, ask_at=None))
    last = {
        "still_active": (at("08:00"), "kel", "zm-01"),
        "ask_again": (at("09:00"), "kel", "ΕΥΔΑΠ"),
    }
    assert "από 04/03 09:00: να ερωτηθεί ξανά: ΕΥΔΑΠ\n" in shown(sight(again, last=last))


@pytest.mark.parametrize(
    ("note", "why", "told"),
    [
        ("", "το συμβάν έκλεισε · Άννα: ψευδής", "το συμβάν έκλεισε · Άννα: ψευδής\n"),
        ("Άννα: λάθος", "Άννα: λάθος", "αποσύρθηκε 03:20 · Άννα: λάθος\n"),
    ],
)
def test_an_order_that_was_taken_back_says_when_and_why(note: str, why: str, told: str) -> None:
    rest = (at("03:08"), None, None, at("03:35"), note, "", timedelta(), at("03:20"), why)
    order = ("Ε-2026-0007", "water-1", "withdrawn", *ORDER[3:], *rest)
    page = shown(sight(orders=[order]), 200)
    assert "αποσύρθηκε · δόθηκε 04/03 03:05 · δέχτηκε 03:08 · αποσύρθηκε 03:20 · " in page
    assert told in f"{page}\n"


def test_why_it_is_open_again_and_who_is_responsible() -> None:
    again = replace(
        opened(),
        acknowledged_at=at("02:55"),
        reopened_at=at("09:00"),
        assigned="Μ. Δήμου",
        crew="water-1",
        handed=HANDED,
    )
    last = {
        "acknowledged": (at("02:55"), "Άννα", ""),
        "still_active": (at("09:00"), "kel", "μένει ενεργή: zm-01"),
    }
    told = shown(sight(again, last=last), 300)
    assert "άνοιξε ξανά από 04/03 09:00: μένει ενεργή: zm-01" in told
    for part in (
        "αναγνώρισε: Άννα",
        "δεν το έχει αναγνωρίσει κανείς από τότε που άνοιξε ξανά",
        "υπεύθυνος: Μ. Δήμου",
        "μόνο το συνεργείο: Ύδρευση 1 (πρωινό)",
        "διαβιβάστηκε σε ΔΕΔΔΗΕ, αρ. πρωτ. 4711, ερώτηση ξανά 06/03 09:00",
    ):
        assert part in told


def test_silences_over_the_same_place_are_told() -> None:
    told = shown(sight(beside=[("Σ-2026-0001", at("06:00"), 1)]))
    assert "1 ειδοποίηση του ίδιου τόπου κρύβει η σίγαση Σ-2026-0001 ως 04/03 06:00" in told


def test_the_runbook_says_what_to_do_and_where_the_rest_is() -> None:
    other = Heading("service_leak", "Διαρροή παροχής", "x")
    told = shown(sight(runbook=[FIRE, other]))
    assert "Τι κάνουμε\n  1. Κλείσε τη βάνα.\n  2. Κάλεσε το συνεργείο.\n" in told
    assert "και        kel runbook service_leak (Διαρροή παροχής)" in told
    long = Heading("main_burst", "Θραύση", "\n".join(f"{n}. βήμα" for n in range(1, STEPS + 3)))
    folded = shown(sight(runbook=[long]))
    assert f"  {STEPS}. βήμα" in folded and f"{STEPS + 1}. βήμα" not in folded
    assert "kel runbook main_burst" in folded
    assert f"{STEPS + 2}. βήμα" in shown(sight(runbook=[long]), unfold=True)


def test_a_folder_with_mistakes_is_told_and_the_rest_is_shown() -> None:
    told = shown(sight(mistake="rules.toml:7: syntax: not TOML"), 200)
    assert "προσοχή    ο φάκελος της πόλης έχει λάθη" in told and "rules.toml:7" in told
    assert "Νυχτερινή παροχή ζώνης" in told


@pytest.mark.parametrize("width", [60, 80, 100, 400])
def test_no_line_is_longer_than_the_terminal(width: int) -> None:
    many = lamps(20, 3)
    order = (
        *ORDER,
        at("03:08"),
        at("03:30"),
        None,
        at("03:35"),
        "με μεγάλη σημείωση " * 5,
        "",
        timedelta(),
        None,
        "",
    )
    given = sight(
        alerts=[BURST, *many],
        causes={a.id: "zm-01" for a in many},
        requests=[replace(request("tree", at("06:50")), text="νερό στον δρόμο " * 20)],
        orders=[order],
        ahead=[n for n, _ in NEXT],
        runbook=[FIRE, *(Heading(f"h{n}", "Τίτλος με λόγια", "x") for n in range(9))],
        last={"unplanned": (at("03:00"), "kel", "λείπει υλικό " * 12)},
    )
    for unfold in (False, True):
        assert max(len(line.plain.rstrip()) for line in show(given, width, unfold)) <= width


def test_the_history_is_in_the_words_of_all_screens_and_keeps_its_reasons() -> None:
    now = at("09:00").astimezone(UTC)
    events = [
        IncidentEvent(make_id("e", 1), opened().id, now, "handed_on", "Άννα", "ΔΕΔΔΗΕ"),
        IncidentEvent(make_id("e", 2), opened().id, now, "resolved", "water-1", "λόγος " * 20),
    ]
    told = [line.plain for line in lines_of(events, 80, ZONE, {"water-1": "Ύδρευση 1 (πρωινό)"})]
    assert told[1].split() == ["04/03", "09:00", "διαβιβάστηκε", "Άννα", "ΔΕΔΔΗΕ"]
    assert "Ύδρευση 1 " in told[2] and "(πρωινό)" not in told[2]
    assert " ".join(told).count("λόγος") == 20 and max(map(len, told)) <= 80


@pytest.mark.parametrize(
    ("state", "remaining", "ends"),
    [
        (OrderState.ARRIVED, timedelta(hours=3), True),
        (OrderState.SENT, timedelta(hours=3), False),  # it lapses instead
        (OrderState.ARRIVED, timedelta(), False),
        (OrderState.COMPLETED, timedelta(hours=3), False),
    ],
)
def test_an_open_part_ends_by_itself(state: OrderState, remaining: timedelta, ends: bool) -> None:
    day = Day()
    day.put(BURST)
    order = order_of(day.one, state, remaining=remaining, finish_at=at("07:00"))
    day.situation.orders[order.id] = order
    told = [Next(at("09:00"), "part_done", ("Ύδρευση 1",))] if ends else []
    assert list(parts_ahead(CITY, day.situation, day.one)) == told


def joined(n: int, what: str, why: str) -> IncidentEvent:
    return IncidentEvent(
        make_id("e", n), make_id("i"), at("09:00") + timedelta(minutes=n), what, "kel", why
    )


@pytest.mark.parametrize("unfold", [False, True])
def test_what_happens_many_times_over_is_one_line(unfold: bool) -> None:
    cause = "το εξηγεί: Γραμμή 3"
    events = [joined(n, "hushed", cause) for n in range(50)]
    events += [joined(50, "cleared", "επανήλθε"), joined(51, "cleared", "άλλο")]
    events += [joined(52, "called", "Επιφυλακή· 10′"), joined(53, "called", "Επιφυλακή· 20′")]
    told = [line.plain for line in lines_of(events, 200, ZONE, {}, unfold=unfold)]
    assert len(told) == 1 + (len(events) if unfold else 4)
    if not unfold:
        assert told[1].startswith("04/03 09:00") and told[1].endswith(
            f"{cause} ×50, ως 04/03 09:49"
        )
        assert told[2].endswith("επανήλθε και 1 άλλη αιτία ×2, ως 04/03 09:51")
        assert told[3].endswith("Επιφυλακή· 10′")  # decisions keep their reasons
