"""Weeks for the mayor's page: a usual one, an empty one, a huge one, one of very long names."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from kel.model.cost import CostKind
from kel.model.ids import make_id
from kel.model.incident import IncidentState
from kel.reports.decisions import (
    CrewOvertime,
    Facts,
    LowItem,
    UnplannedIncident,
    decide,
)
from kel.reports.week import (
    BudgetPace,
    CategoryCount,
    CommunityCost,
    CostlyIncident,
    DayCost,
    Euros,
    Figure,
    KindCost,
    Lights,
    Times,
    Water,
    Week,
    WeekCost,
    Work,
    ZoneNight,
)

MONDAY = date(2026, 10, 19)
SUNDAY = date(2026, 10, 25)


def euros(cash, management, about="x"):
    return Euros(Decimal(str(cash)), Decimal(str(management)), make_id("cost", about))


def at(day, hour, minute=0):
    """A moment of October 2026 in Athens' summer time, as UTC."""
    return datetime(2026, 10, day, hour, minute, tzinfo=UTC) - timedelta(hours=3)


def _days():
    rows = [
        (312, 96, 210, 0, 0),
        (184, 62, 88, 0, 24),
        (702, 388, 611, 486, 31),
        (260, 104, 175, 118, 30),
        (198, 71, 140, 0, 28),
        (88, 30, 22, 0, 0),
        (141, 44, 0, 0, 0),
    ]
    return tuple(
        DayCost(
            MONDAY + timedelta(days=n),
            {kind: Decimal(v) for kind, v in zip(CostKind, row, strict=True) if v},
            make_id("cost", "day", n),
        )
        for n, row in enumerate(rows)
    )


def _weeks():
    past = [(820, 3010), (640, 2590), (1105, 3320), (710, 2975), (930, 2804), (1012, 3069)]
    rows = [*past, (1204, 3439)]
    return tuple(
        WeekCost(MONDAY - timedelta(weeks=len(rows) - 1 - n), euros(*row, about=("week", n)))
        for n, row in enumerate(rows)
    )


def _categories():
    rows = [
        ("main_burst", "Θραύση αγωγού", 1, 0, 0, 640, 1522),
        ("pump", "Βλάβη αντλίας", 2, 1, 1, 118, 611),
        ("service_leak", "Διαρροή παροχής", 4, 5, 0, 92, 418),
        ("feeder", "Διακοπή γραμμής φωτισμού", 1, 0, 0, 164, 121),
        ("lamp", "Βλάβη φωτιστικού", 9, 8, 3, 22, 318),
        ("fire", "Καπνός ή φωτιά", 1, 1, 0, 138, 104),
        ("road", "Ζημιά στο οδόστρωμα", 3, 3, 1, 0, 205),
        ("tree", "Πεσμένο δέντρο", 2, 1, 1, 30, 140),
    ]
    return tuple(
        CategoryCount(cid, label, n, last, active, euros(cash, management, about=cid))
        for cid, label, n, last, active, cash, management in rows
    )


def _communities():
    rows = [
        ("Δροσιά", 6, 702, 1633, 810),
        ("Άγιος Στέφανος", 5, 214, 688, 1120),
        ("Διόνυσος", 4, 96, 421, 602),
        ("Άνοιξη", 3, 88, 302, 544),
        ("Κρυονέρι", 2, 60, 201, 390),
        ("Σταμάτα", 2, 44, 128, 355),
        ("Ροδόπολη", 1, 0, 66, 260),
    ]
    return tuple(
        CommunityCost(name, n, euros(cash, management, about=name), Decimal(last))
        for name, n, cash, management, last in rows
    )


def budget():
    rows = [
        ("2420201", "Συντήρηση δικτύου ύδρευσης", 45_000, 41_210),
        ("2420202", "Συντήρηση αντλιοστασίων", 30_000, 19_480),
        ("2420301", "Συντήρηση φωτισμού", 38_000, 27_905),
        ("2110207", "Υπερωρίες", 22_000, 17_120),
        ("2410401", "Καύσιμα και λιπαντικά", 64_000, 49_700),
        ("2420405", "Οδοί και πεζοδρόμια", 25_000, 12_300),
    ]
    return tuple(
        BudgetPace(account, label, Decimal(b), Decimal(s), make_id("cost", account))
        for account, label, b, s in rows
    )


def costly():
    def one(number, category, label, what, place, opened, state, cost, ack, restore, m3=0, kwh=0):
        return CostlyIncident(
            number, category, label, what, place, opened, state, cost, ack, restore, m3, kwh
        )

    closed, going = IncidentState.CLOSED, IncidentState.IN_PROGRESS
    return (
        one(
            "2026-0412",
            "main_burst",
            "Θραύση αγωγού",
            "Θραύση αγωγού Φ110, ζώνη Δροσιά Κέντρο",
            "Δροσιά",
            at(21, 2, 58),
            closed,
            euros(640, 1522, "burst"),
            6,
            412,
            1007.0,
            0,
        ),
        one(
            "2026-0409",
            "pump",
            "Βλάβη αντλίας",
            "Πτώση μανομετρικού, αντλιοστάσιο ΑΣ-07",
            "Άγιος Στέφανος",
            at(20, 9, 12),
            going,
            euros(88, 402, "pump"),
            11,
            None,
            0,
            565.0,
        ),
        one(
            "2026-0418",
            "feeder",
            "Διακοπή γραμμής",
            "Διακοπή γραμμής φωτισμού Φ12 (50 φωτιστικά)",
            "Άνοιξη",
            at(22, 19, 40),
            closed,
            euros(164, 121, "feeder"),
            4,
            156,
        ),
        one(
            "2026-0421",
            "fire",
            "Καπνός ή φωτιά",
            "Καπνός σε κάμερα, επιβεβαιώθηκε από αισθητήρα",
            "Διόνυσος",
            at(23, 13, 22),
            closed,
            euros(138, 104, "fire"),
            1,
            95,
        ),
        one(
            "2026-0415",
            "service_leak",
            "Διαρροή παροχής",
            "Διαρροή παροχής, οδός Αγίου Τρύφωνος",
            "Κρυονέρι",
            at(22, 8, 5),
            closed,
            euros(20, 184, "leak"),
            19,
            265,
            36.0,
        ),
    )


def zones():
    return (
        ZoneNight("Σταμάτα Πλαγιά", 14.2, 6.1, 13.8, 3),
        ZoneNight("Δροσιά Κέντρο", 9.8, 7.4, 7.2, 1),
        ZoneNight("Ροδόπολη Άνω", 6.0, 5.8, 6.1, 1),
        ZoneNight("Κρυονέρι Δυτικά", 5.1, 5.6, 5.2, 0),
    )


def facts(**changes):
    values = Facts(
        today=SUNDAY,
        unplanned=[
            UnplannedIncident(
                "2026-0424",
                "Πεσμένο δέντρο σε καλώδια",
                "Ροδόπολη",
                at(24, 17, 30),
                "κανένα συνεργείο με γερανό ως τη Δευτέρα",
            )
        ],
        budget=budget(),
        items=[
            LowItem(
                "clamp-110",
                "Σέλα επισκευής Φ110",
                "τεμ.",
                Decimal(1),
                Decimal(4),
                12,
                Decimal("0.5"),
            ),
            LowItem(
                "led-40", "Φωτιστικό LED 40 W", "τεμ.", Decimal(6), Decimal(10), 21, Decimal(3)
            ),
        ],
        zones=zones(),
        overtime=[CrewOvertime("water-2", "Ύδρευση 2", 83, 96)],
        water_eur_m3=Decimal("0.60"),
    )
    return replace(values, **changes)


def usual(**changes):
    week = Week(
        city="Δήμος Διονύσου",
        start=MONDAY,
        made_at=at(26, 7, 5),
        incidents=Figure(23, 19, 20.3),
        cost=euros(1204, 3439, "all"),
        cost_last=Decimal(4081),
        cost_mean=Decimal("3831.17"),
        water=Water(
            Figure(1043.0, 212.0, 388.0), euros(0, 604, "water"), Figure(565, 0, 71), zones()
        ),
        lights=Lights(2400, Figure(9, 8, 10.1), Figure(0.987, 0.991, 0.989)),
        times=Times(7, 34, 9, 205, 690, 240),
        work=Work(
            Figure(19, 17, 16.8), Figure(142, 118, 121), Figure(611, 540, 555), Figure(31, 22, 25)
        ),
        states={
            IncidentState.OPEN: 2,
            IncidentState.IN_PROGRESS: 3,
            IncidentState.RESOLVED: 1,
            IncidentState.CLOSED: 17,
        },
        days=_days(),
        weeks=_weeks(),
        kinds=tuple(
            KindCost(k, euros(v if k is CostKind.VEHICLE else 0, v, k))
            for k, v in zip(CostKind, (1885, 397, 1246, 604, 113), strict=True)
        ),
        communities=_communities(),
        categories=_categories(),
        budget=budget(),
        costly=costly(),
        decisions=decide(facts()),
    )
    return replace(week, **changes)


def empty():
    """The first week of a city: no incident, no cost, no history, no budget."""
    return Week(
        city="Δήμος Διονύσου",
        start=date(2026, 12, 28),
        made_at=datetime(2027, 1, 4, 5, tzinfo=UTC),
        incidents=Figure(0),
        cost=Euros(),
        cost_last=None,
        cost_mean=None,
        water=Water(Figure(0), Euros(), Figure(0)),
        lights=Lights(0, Figure(0), Figure(1)),
        times=Times(),
        work=Work(Figure(0), Figure(0), Figure(0), Figure(0)),
    )


LONG = (
    "Εξαιρετικά μακροσκελής ονομασία με πολλές λέξεις για να φανεί τι παθαίνει η σελίδα όταν "
    "κάποιος γράφει ολόκληρη παράγραφο εκεί όπου χωρά ένα όνομα, ακόμη και "
    "ηλεκτροεγκεφαλογραφήματαχωρίςκενάανάμεσάτους"
)


def _factor(cost, times):
    return Euros(cost.cash * times, cost.management * times, cost.entry)


def huge():
    """A thousand times everything."""
    week, k = usual(), 1000
    return replace(
        week,
        incidents=Figure(23_456, 19_876, 20_123),
        cost=_factor(week.cost, k),
        cost_last=Decimal("12.5"),
        cost_mean=Decimal("9999999.99"),
        water=replace(
            week.water,
            lost_m3=Figure(1_043_000.0, 2_120_000.0, 388_000.0),
            wasted_kwh=Figure(1_234_567),
            lost=_factor(week.water.lost, k),
        ),
        times=Times(700, 34_000, 900, 20_500, 690_000, 24_000),
        lights=Lights(12_000, Figure(11_999, 12_000, 10_000), Figure(0.0001, 1.0, 1.0)),
        work=Work(*(Figure(123_456, 234_567, 1) for _ in range(4))),
        days=tuple(replace(d, kinds={a: v * k for a, v in d.kinds.items()}) for d in week.days),
        weeks=tuple(replace(w, cost=_factor(w.cost, k)) for w in week.weeks),
        communities=tuple(replace(c, cost=_factor(c.cost, k)) for c in week.communities),
        categories=tuple(
            replace(c, cost=_factor(c.cost, k), opened=c.opened * k, active=c.active * k)
            for c in week.categories
        ),
        budget=tuple(replace(b, spent=b.spent * k) for b in week.budget),
        costly=tuple(
            replace(
                i,
                cost=_factor(i.cost, k),
                m3=i.m3 * k,
                kwh=(i.kwh + 1) * k,
                acknowledge_min=99_999,
                restore_min=999_999,
            )
            for i in week.costly
        ),
        states=dict.fromkeys(IncidentState, 4567),
    )


def long_names():
    """Names of 200 letters everywhere, more of everything than the page shows."""
    week = usual()
    many = facts(
        unplanned=[
            UnplannedIncident(f"2026-{n:04}", LONG, LONG, at(24, 17, n), LONG) for n in range(12)
        ],
        budget=[replace(b, label=LONG) for b in budget()],
        items=[LowItem(f"i{n}", LONG, "τεμ.", Decimal(0), Decimal(4), 12) for n in range(30)],
        zones=[replace(z, name=LONG, weeks_high=9) for z in zones()],
        overtime=[CrewOvertime("c", LONG, 95, 96)],
    )
    return replace(
        week,
        city=LONG,
        communities=tuple(replace(c, name=LONG) for c in week.communities * 2),
        categories=tuple(replace(c, label=LONG) for c in week.categories * 2),
        budget=tuple(replace(b, label=LONG) for b in week.budget * 2),
        costly=tuple(
            replace(i, what=LONG, place=LONG, label=LONG, category="own") for i in week.costly * 2
        ),
        water=replace(week.water, zones=tuple(replace(z, name=LONG) for z in zones() * 3)),
        states=dict.fromkeys(IncidentState, 3),
        decisions=decide(many),
    )


ALL = {"usual": usual, "empty": empty, "huge": huge, "long names": long_names}
