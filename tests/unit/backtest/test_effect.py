"""The sums of a change: signs, what is told apart, what is not known."""

import pytest

from kel.backtest.effect import Amounts, categories_of, effect_of
from kel.backtest.incidents import Difference, Moved
from kel.backtest.prices import Price, price_of
from tests.builders.backtest import city, formed, settled

BURST = Price("main_burst", 3, 6.0, 160.0, 30.0, 18.0, 0.0, 0.0, 5.0, 0.0)
PUMP = Price("pump", 1, 2.0, 40.0, 0.0, 0.0, 25.0, 5.0, 0.0, 10.0)
PRICES = {"main_burst": BURST, "pump": PUMP}


def burst(name, opened):
    return formed(name, opened, opened + 5, category="main_burst")


def difference(gained=(), lost=(), moved=(), **more):
    return Difference(gained, lost, moved, 0, **more)


def test_gained_incidents_are_work_and_lost_ones_are_saved():
    effect = effect_of(
        city(), difference([burst("a", 1), burst("b", 2)], [formed("c", 3, 4)]), PRICES
    )
    assert effect.work == Amounts(hours=10.0, work=280.0)
    assert effect.found == Amounts(m3=60.0, water=36.0, kwh=-25.0, energy=-5.0)
    assert effect.delay == Amounts()
    assert effect.total == 280.0  # what they lose is lost whether it is seen or not
    assert effect.unpriced == 0


@pytest.mark.parametrize(("before", "after", "m3"), [(10, 8, -10.0), (8, 10, 10.0)])
def test_water_is_lost_until_it_is_detected(before, after, m3):
    moved = Moved(burst("a", before), burst("a", after))
    effect = effect_of(city(), difference(moved=[moved]), PRICES)
    assert effect.delay.m3 == m3
    assert effect.delay.water == pytest.approx(m3 * 0.6)
    assert effect.total == pytest.approx(m3 * 0.6)
    assert effect.work == Amounts()


def test_energy_has_the_citys_price():
    moved = Moved(formed("a", 5, 9), formed("a", 3, 9))
    effect = effect_of(city(), difference(moved=[moved]), PRICES)
    assert effect.delay.kwh == -20.0
    assert effect.delay.energy == pytest.approx(-4.0)


def test_what_no_ledger_knows_is_counted_and_left_out():
    prices = {"main_burst": price_of(city(), [], "main_burst")}
    moved = Moved(burst("a", 5), burst("a", 3))
    effect = effect_of(city(), difference([burst("b", 1)], moved=[moved]), prices)
    assert effect.unpriced == 2
    assert effect.delay == Amounts()
    assert effect.found.m3 == 0


def test_what_joins_or_splits_has_a_price_to_show_and_none_in_the_sums():
    apart = difference(joined=[formed("a", 1, 2)], split=[burst("b", 1)])
    assert categories_of(apart) == ["main_burst", "pump"]
    assert effect_of(city(), apart, PRICES).total == 0


def test_the_price_of_a_worked_incident_needs_a_ledger_of_its_category():
    assert price_of(city(), [settled("pump", labour=(1, 1))], "main_burst").incidents == 0
