"""What like incidents came to: medians of the ledger, else the category's needs, and which."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from kel.backtest.prices import price_of, usual_times
from kel.model.crew import Rates, Vehicle
from kel.model.incident import Material
from kel.model.stock import Item
from tests.builders.backtest import city, settled

LEDGER = [
    settled("main_burst", 4, 3, labour=(6, 100), material=(0, 50), vehicle=(0, 10), water=(80, 48)),
    settled("main_burst", 2, 1, labour=(2, 30), water=(10, 6)),
    settled("main_burst", 10, None, labour=(9, 200), material=(0, 500), water=(30, 18)),
    settled("pump", 5, 2, labour=(3, 60), energy=(50, 10)),
    settled("pump", 0, None, labour=(1, 20)),
]


def test_each_measure_is_the_median_of_its_own():
    price = price_of(city(), LEDGER, "main_burst")
    assert price.incidents == 3
    assert price.hours == 6
    assert price.work == 160  # of 160, 30 and 700
    assert (price.m3, price.water) == (30, 18)
    assert price.m3_per_hour == 5  # of 20, 5 and 3
    assert (price.kwh, price.energy) == (0, 0)


def test_an_incident_without_a_kind_of_cost_had_none_of_it():
    price = price_of(city(), LEDGER, "pump")
    assert (price.incidents, price.hours, price.work) == (2, 2, 40)
    assert (price.kwh, price.energy) == (25, 5)
    assert price.kwh_per_hour == 10  # the one that lasted no time says nothing of a rate


def test_without_like_incidents_the_category_says_what_it_needs():
    plain = city()
    needs = replace(
        plain.categories["main_burst"],
        people=3,
        hours=2.0,
        vehicles=("van",),
        materials=(Material("clamp", Decimal(2)), Material("unknown", Decimal(1))),
    )
    rates = Rates(
        {"de": Decimal(14), "ye": Decimal(12)}, Decimal(0), Decimal(0), Decimal(0), Decimal("0.6"),
        Decimal("0.2"), 0.65,
    )  # fmt: skip
    shop = replace(
        plain,
        categories={**plain.categories, "main_burst": needs},
        rates=rates,
        vehicles={
            "v1": Vehicle("v1", "v1", "van", Decimal(1), Decimal(10), 30.0),
            "v2": Vehicle("v2", "v2", "van", Decimal(1), Decimal(20), 30.0),
            "d1": Vehicle("d1", "d1", "digger", Decimal(1), Decimal(90), 30.0),
        },
        items={
            "clamp": Item("clamp", "c", "τεμ.", Decimal(40), Decimal(1), 1, "g", Decimal(0)),
        },
    )
    price = price_of(shop, LEDGER[3:], "main_burst")
    assert price.incidents == 0
    assert price.hours == 6
    assert price.work == pytest.approx(6 * 13 + 2 * 15 + 2 * 40)
    assert price.m3 is None and price.water is None  # it is not known, not none
    assert price.kwh == 0


def test_a_category_that_nobody_knows_costs_nothing_that_is_known():
    price = price_of(city(), [], "no-such-category")
    assert (price.incidents, price.hours, price.work, price.m3) == (0, 0, 0, 0)


def test_usual_times_are_medians_of_those_that_were_repaired():
    assert usual_times(LEDGER) == {
        "main_burst": timedelta(hours=2),
        "pump": timedelta(hours=2),
    }
    assert usual_times([]) == {}
