from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from kel.model.city import City
from kel.model.moment import HOUR_US, MINUTE_US, to_us
from kel.simulate import causes
from kel.simulate.block import Block
from kel.simulate.story import Story
from kel.simulate.troubles import Kind, Trouble
from kel.simulate.water import BAR_M, FRICTION_EXPONENT, KWH_PER_M3_M
from kel.simulate.world import World

ZONE = "z07"


def burst(city: City, story: Story, hour: float = 2.5, size: float = 38.0) -> Trouble:
    bare = causes.bare("b", Kind.BURST, to_us(story.start) + int(hour * HOUR_US), None)
    return causes.water(city, bare, ZONE, None, size, 0.8)


def day(city: City, story: Story, *troubles: Trouble) -> tuple[World, Block]:
    world = World(city, story.seed, story.start, troubles)
    return world, world.state(to_us(story.end))


def test_flows_balance_at_every_station_and_minute(city: City, story: Story) -> None:
    world, block = day(city, story, *story.troubles)
    water, of = block.water, world.network.station_of
    for station in range(len(world.network.stations)):
        zones = water.flow[:, of == station].sum(axis=1)
        assert np.abs(water.pumped[:, station] - zones - water.filling[:, station]).max() < 1e-9


def test_tanks_hold_what_they_took(city: City, story: Story) -> None:
    world, block = day(city, story)
    gained = np.diff(block.water.level, axis=0) * world.network.tank_area
    assert np.abs(gained - block.water.filling[:-1] / 60).max() < 1e-9
    assert block.water.level.min() > 0.5


def test_pressure_is_head_less_rise_and_friction(city: City, story: Story) -> None:
    world, block = day(city, story, *story.troubles)
    net, water = world.network, block.water
    grade = (water.suction * BAR_M + water.head)[:, net.station_of]
    loss = net.friction * water.flow**FRICTION_EXPONENT
    assert np.abs((grade - net.rise - loss) / BAR_M - water.pressure).max() < 1e-6


def test_pumps_keep_their_curve_and_pay_for_it(city: City, story: Story) -> None:
    world, block = day(city, story)
    net, water = world.network, block.water
    assert np.allclose(water.head, net.shut_off - net.curve * water.pumped**2)
    efficiency = KWH_PER_M3_M * water.pumped * water.head / water.power
    assert efficiency.min() > 0.5 and efficiency.max() < 0.7
    design = np.array([city.devices[p].attributes["design_head"] for p in net.stations])
    assert (water.head / design).min() > 0.92  # above what a rule takes for a lost head


def test_a_burst_draws_water_and_pressure(city: City, story: Story) -> None:
    world, calm = day(city, story)
    _, burdened = day(city, story, burst(city, story))
    zone = world.network.zones.index(ZONE)
    before, after = slice(0, 150), slice(160, 240)
    assert np.array_equal(calm.water.flow[before], burdened.water.flow[before])
    more = (burdened.water.flow - calm.water.flow)[after, zone]
    less = (calm.water.pressure - burdened.water.pressure)[after, zone]
    assert more.min() > 15
    assert less.min() > 0.5
    others = world.network.station_of != world.network.station_of[zone]
    assert np.array_equal(calm.water.flow[:, others], burdened.water.flow[:, others])


@pytest.mark.parametrize("month", [1, 5, 6, 7, 8, 9, 10])
def test_a_calm_night_stays_below_the_rules_limit(city: City, month: int) -> None:
    """Expected: 2 l/connection/h × season + 30 l/km/h + 2.5 l/connection/h; clear below 3 m³/h."""
    season = {5: 1.3, 6: 1.6, 7: 1.9, 8: 1.9, 9: 1.5}.get(month, 1.0)
    two_o_clock = datetime(2026, month, 12, 2, tzinfo=ZoneInfo(city.timezone)).astimezone(UTC)
    world = World(city, 5, two_o_clock)
    flow = world.state(to_us(two_o_clock) + 2 * HOUR_US).water.flow
    for column, zone in enumerate(world.network.zones):
        about = city.zones[zone]
        expected = (about.connections * (2.0 * season + 2.5) + 30.0 * about.mains_km) / 1000
        assert flow[:, column].max() < expected + 2.0, zone


def test_wear_costs_head_and_efficiency(city: City, story: Story) -> None:
    bare = causes.bare("w", Kind.PUMP_WEAR, to_us(story.start), None)
    worn = replace(causes.pump(city, bare, "ps-09", 0.24), ramp_us=MINUTE_US)
    world, calm = day(city, story)
    _, tired = day(city, story, worn)
    pump = world.network.stations.index("ps-09")
    lost = 1 - tired.water.head[10:, pump] / calm.water.head[10:, pump]
    assert lost.min() > 0.18 and lost.max() < 0.26
    specific = [b.water.power[:, pump].sum() / b.water.pumped[:, pump].sum() for b in (calm, tired)]
    per_metre = [
        s / b.water.head[:, pump].mean() for s, b in zip(specific, (calm, tired), strict=True)
    ]
    assert per_metre[1] > per_metre[0] * 1.1
