"""What a crew's phone gets: short Greek words, and all that its app needs as JSON."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from dispatch.channels import CHANNELS, Channel, mqtt
from kel import topics
from kel.model.ids import make_id
from kel.model.incident import Incident, IncidentState
from kel.model.order import OrderItem, OrderState, WorkOrder
from kel.model.stock import WAREHOUSE
from tests.builders.city import at, north, small_city

CITY = small_city()
INCIDENT = Incident(
    make_id("incident", "burst"),
    "2026-0001",
    "main_burst",
    CITY.categories["main_burst"].severity,
    IncidentState.OPEN,
    "zm-01",
    "drosia",
    north(38.13),
    at("02:50"),
    at("02:40"),
    "Θραύση αγωγού — ζώνη Δροσιά 2",
    zone="z01",
)
ORDER = WorkOrder(
    id=make_id("order", "burst"),
    number="Ε-2026-0001",
    incident=INCIDENT.id,
    category="main_burst",
    crew="water-2",
    people=("water-2-1", "water-2-3"),
    vehicles=("v2", "d2"),
    items=(
        OrderItem("clamp", "water-2", Decimal(1)),
        OrderItem("sand", WAREHOUSE, Decimal("2.5")),
    ),
    state=OrderState.SENT,
    place=INCIDENT.place,
    made_at=at("02:55"),
    expires_at=at("03:10"),
    depart_at=at("02:55"),
    arrive_at=at("03:20"),
    finish_at=at("08:20"),
    km=9.0,
)


def test_the_whole_message() -> None:
    assert mqtt.render(CITY, ORDER, INCIDENT) == {
        "order": str(ORDER.id),
        "number": "Ε-2026-0001",
        "crew": "water-2",
        "category": "main_burst",
        "title": "Θραύση αγωγού — ζώνη Δροσιά 2",
        "text": "Αναχώρηση 02:55, άφιξη 03:20. Πρώτα από την αποθήκη. "
        "Υλικά: Σέλα DN150 1 τεμ, Άμμος 2,5 m³.",
        "place": {"lat": 38.13, "lon": 23.86, "text": "Δροσιά 2, Δροσιά"},
        "incident": "2026-0001",
        "made_at": "2026-03-04T00:55:00Z",
        "expires_at": "2026-03-04T01:10:00Z",
        "depart_at": "2026-03-04T00:55:00Z",
        "arrive_at": "2026-03-04T01:20:00Z",
        "finish_at": "2026-03-04T06:20:00Z",
        "items": [
            {
                "item": "clamp",
                "name": "Σέλα DN150",
                "quantity": 1,
                "unit": "τεμ",
                "from": "water-2",
            },
            {
                "item": "sand",
                "name": "Άμμος",
                "quantity": 2.5,
                "unit": "m³",
                "from": "warehouse",
            },
        ],
        "people": ["water-2 1", "water-2 3"],
        "vehicles": ["van v2", "digger d2"],
        "state": "sent",
        "attempt": 1,
        "remaining_min": 0,
        "relieved_by": "",
        "continues": "",
    }


PART = replace(ORDER, remaining=timedelta(hours=2, minutes=45), finish_at=at("07:04"), items=())
RELIEF = replace(ORDER, number="Ε-2026-0002", crew="water-1", continues=PART.number, items=())
DONE = replace(PART, state=OrderState.COMPLETED)


@pytest.mark.parametrize(
    ("order", "beside", "told", "by"),
    [
        (
            PART,
            None,
            "Παράδοση βάρδιας 07:04: δεν έχει βρεθεί ακόμη ποιος συνεχίζει, μένουν 2 ώ 45′. "
            "Τότε απαντήστε «Φεύγω».",
            "",
        ),
        (
            PART,
            RELIEF,
            "Παράδοση βάρδιας 07:04: συνεχίζει το συνεργείο Ύδρευση 1, μένουν 2 ώ 45′. "
            "Τότε απαντήστε «Φεύγω».",
            "water-1",
        ),
        (
            RELIEF,
            PART,
            "Συνεχίζετε την εργασία του συνεργείου Ύδρευση 2 (Ε-2026-0001), "
            "σας περιμένει στο σημείο.",
            "",
        ),
        (RELIEF, DONE, "την εργασία του συνεργείου Ύδρευση 2 (Ε-2026-0001).", ""),
        (RELIEF, None, "Συνεχίζετε την Ε-2026-0001.", ""),
    ],
)
def test_who_hands_over_to_whom(
    order: WorkOrder, beside: WorkOrder | None, told: str, by: str
) -> None:
    said = mqtt.render(CITY, order, INCIDENT, beside=beside)
    assert str(said["text"]).endswith(told)
    assert said["relieved_by"] == by


@pytest.mark.parametrize(
    ("state", "shown", "text"),
    [
        (OrderState.WITHDRAWN, "withdrawn", "Μην πάτε. Η Ε-2026-0001 αποσύρθηκε."),
        (OrderState.EXPIRED, "withdrawn", "Μην πάτε. Η Ε-2026-0001 έληξε χωρίς απάντηση."),
    ],
)
def test_an_order_taken_back_says_so_though_its_incident_has_ended(
    state: OrderState, shown: str, text: str
) -> None:
    said = mqtt.render(CITY, replace(ORDER, state=state), None)
    assert (said["state"], said["text"], said["title"]) == (shown, text, "Θραύση αγωγού")


def test_an_order_without_materials_names_none() -> None:
    said = mqtt.render(CITY, replace(ORDER, items=()), INCIDENT)
    assert said["text"] == "Αναχώρηση 02:55, άφιξη 03:20."


def test_title_and_text_fit_a_phone() -> None:
    many = tuple(OrderItem(i, "water-2", Decimal(1)) for i in CITY.items) * 5
    long = replace(INCIDENT, title="Θραύση αγωγού — " + "ζώνη με μακρύ όνομα " * 5)
    said = mqtt.render(CITY, replace(ORDER, items=many), long)
    assert len(str(said["title"])) <= 60
    assert len(str(said["text"])) <= 240
    assert str(said["title"]).endswith("…")


def test_what_the_city_no_longer_knows_is_shown_by_its_id() -> None:
    bare = small_city(crews={}, vehicles={}, items={}, categories={})
    said = mqtt.render(bare, ORDER, None)
    assert said["title"] == "main_burst"
    assert said["people"] == ["water-2-1", "water-2-3"]
    assert said["vehicles"] == ["v2", "d2"]


@pytest.mark.parametrize("channel", CHANNELS)
def test_every_channel_says_only_what_json_can(channel: Channel) -> None:
    json.dumps(channel.render(CITY, ORDER, INCIDENT))


def test_the_topic_is_the_streams() -> None:
    assert mqtt.topic(ORDER) == topics.ORDERS.format(crew="water-2")
