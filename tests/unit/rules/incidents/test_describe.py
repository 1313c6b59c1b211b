"""What an incident is called, and what becomes of it where the city's files know less."""

from dataclasses import replace

import pytest

from kel.model.alert import Severity
from kel.model.ids import make_id
from kel.model.incident import Incident, IncidentState
from rules.incidents.describe import Members, category_of, describe, sources
from tests.builders.city import alert, at, north, request, small_city

CITY = small_city()


def _incident(**values: object) -> Incident:
    blank = Incident(
        make_id("incident", 1),
        "2026-0001",
        "low_pressure",
        Severity.MEDIUM,
        IncidentState.OPEN,
        None,
        "drosia",
        north(38.1),
        at("03:00"),
        at("03:00"),
        "",
    )
    return replace(blank, **values)  # type: ignore[arg-type]


def test_a_category_nobody_knows_is_other_even_where_the_city_has_none() -> None:
    assert category_of(CITY, "flood") is CITY.categories["other"]
    bare = small_city(categories={})
    assert (category_of(bare, "flood").id, category_of(bare, "flood").people) == ("other", 0)


def test_neither_category_nor_severity_ever_falls() -> None:
    severe = _incident(category="main_burst", severity=Severity.CRITICAL)
    low = Members([alert(CITY, "zm-01", "low_pressure", at("03:10"))], [])
    described = describe(CITY, severe, low)
    assert (described.category, described.severity) == ("main_burst", Severity.CRITICAL)


def test_the_start_is_that_of_the_earliest_evidence() -> None:
    early = Members([alert(CITY, "zm-01", "low_pressure", at("02:10"), at("03:10"))], [])
    assert describe(CITY, _incident(), early).started_at == at("02:10")


def test_to_a_burst_only_the_meter_shows_the_citizens_place_is_nearer() -> None:
    burst = alert(CITY, "zm-01", "main_burst", at("03:00"))
    wet = request("main_burst", at("03:10"), 38.1345)
    assert describe(CITY, _incident(), Members([burst], [wet])).place == wet.place
    dry = request("low_pressure", at("03:10"), 38.1345)  # says nothing of where the hole is
    assert describe(CITY, _incident(), Members([burst], [dry])).place == north(38.13)


def test_citizens_count_as_one_source() -> None:
    smoke = [alert(CITY, "cam-01", "fire", at("14:00"))]
    asked = [request("fire", at("14:05"), 38.2, n=n) for n in range(3)]
    tables = (smoke, []), (smoke, asked), ([], asked)
    assert [sources(CITY, Members(a, r)) for a, r in tables] == [
        1,
        2,
        1,
    ]


def test_a_camera_and_the_zones_of_its_picture_are_one_source() -> None:
    camera = replace(CITY.devices["cam-01"], source="frigate", address="hill")
    zone = replace(camera, id="cam-01-forest", number=900, address="hill/forest", parent="cam-01")
    other = replace(CITY.devices["cam-02"], source="frigate", address="hill-2")
    city = small_city(devices={d.id: d for d in (camera, zone, other)})
    both = [alert(city, name, "fire", at("14:00")) for name in ("cam-01", "cam-01-forest")]
    assert sources(city, Members(both, [])) == 1
    third = alert(city, "cam-02", "fire", at("14:01"))
    assert sources(city, Members([*both, third], [])) == 2


@pytest.mark.parametrize(
    ("label", "metric", "title"),
    [
        ("Πυρκαγιά", "smoke", "Πυρκαγιά: καπνός — Κάμερα Λόφου"),
        ("Πυρκαγιά", "battery", "Πυρκαγιά — Κάμερα Λόφου"),
        ("Καπνός ή φωτιά", "smoke", "Καπνός ή φωτιά — Κάμερα Λόφου"),  # not said twice
    ],
)
def test_a_fires_title_says_what_was_seen(label: str, metric: str, title: str) -> None:
    categories = {**CITY.categories, "fire": replace(CITY.categories["fire"], label=label)}
    seen = alert(CITY, "cam-02", "fire", at("14:00"), metric=metric)
    city = small_city(categories=categories)
    assert describe(city, _incident(category="fire"), Members([seen], [])).title == title


def test_a_zone_that_is_called_so_already_is_not_called_so_twice() -> None:
    zones = {"z01": replace(CITY.zones["z01"], name="Ζώνη Άνω Δροσιάς")}
    low = alert(CITY, "zm-01", "low_pressure", at("03:00"))
    described = describe(small_city(zones=zones), _incident(), Members([low], []))
    assert described.title == "Χαμηλή πίεση — Ζώνη Άνω Δροσιάς"
