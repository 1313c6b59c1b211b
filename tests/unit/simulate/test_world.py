from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np
import pytest

from kel.model.city import City
from kel.model.frame import Frame
from kel.model.moment import HOUR_US, MINUTE_US, SECOND_US, to_us
from kel.simulate.story import Story
from kel.simulate.world import World

STEP = 5 * MINUTE_US
Columns = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def whole(city: City, story: Story) -> list[Frame]:
    world = World(city, story.seed, story.start, story.troubles)
    return world.frames(to_us(story.start), to_us(story.end))


def joined(frames: Iterable[Frame]) -> dict[str, Columns]:
    """All rows by class, as columns; NaN where a part has nothing of a metric."""
    parts: dict[str, list[Frame]] = defaultdict(list)
    for frame in frames:
        parts[frame.cls].append(frame)
    return {cls: columns_of(some) for cls, some in parts.items()}


def columns_of(frames: list[Frame]) -> Columns:
    names = max((tuple(f.metrics) for f in frames), key=len)
    return {
        "time": np.concatenate([f.time for f in frames]),
        "arrival": np.concatenate([f.arrival for f in frames]),
        "device": np.concatenate([f.device for f in frames]),
        **{
            name: np.concatenate([f.metrics.get(name, np.full(len(f), np.nan)) for f in frames])
            for name in names
        },
    }


def rows_of(frames: Iterable[Frame], city: City, device: str) -> Columns:
    cls, number = city.devices[device].cls, city.devices[device].number
    columns = joined(frames)[cls]
    mine = columns["device"] == number
    return {name: column[mine] for name, column in columns.items()}


def cuts(since: int, until: int, lengths: list[int]) -> Iterator[tuple[int, int]]:
    turn = 0
    while since < until:
        end = min(since + lengths[turn % len(lengths)], until)
        yield since, end
        since, turn = end, turn + 1


@pytest.mark.parametrize(
    "lengths",
    [[15 * MINUTE_US], [HOUR_US], [7 * MINUTE_US + 13 * SECOND_US, 41 * SECOND_US, 3 * HOUR_US]],
)
def test_a_day_in_steps_is_the_day_in_one_piece(
    city: City, story: Story, whole: list[Frame], lengths: list[int]
) -> None:
    world = World(city, story.seed, story.start, story.troubles)
    spans = cuts(to_us(story.start), to_us(story.end), lengths)
    parts = [frame for span in spans for frame in world.frames(*span)]
    one, many = joined(whole), joined(parts)
    assert set(one) == set(many) == set(city.classes)
    for key, columns in one.items():
        for name, column in columns.items():
            assert np.array_equal(column, many[key][name], equal_nan=True), (key, name)


def test_a_mended_day_in_steps_is_the_day_in_one_piece(city: City, story: Story) -> None:
    def play(step: int) -> dict[str, Columns]:
        world = World(city, story.seed, story.start, story.troubles)
        start = to_us(story.start)
        frames: list[Frame] = []
        mended = start + 4 * HOUR_US + 90 * SECOND_US
        for since, until in ((start, mended), (mended, start + 6 * HOUR_US)):
            for span in cuts(since, until, [step]):
                frames += world.frames(*span)
            if until == mended:
                assert world.mend("main_burst", mended, zone="z07") is not None
        return joined(frames)

    one, many = play(24 * HOUR_US), play(530 * SECOND_US)
    for key, columns in one.items():
        for name, column in columns.items():
            assert np.array_equal(column, many[key][name], equal_nan=True), (key, name)


def test_seeds_differ(city: City, story: Story) -> None:
    span = (to_us(story.start), to_us(story.start) + HOUR_US)
    one, other = (World(city, seed, story.start).frames(*span) for seed in (1, 2))
    assert not np.array_equal(one[0].metrics["flow"], other[0].metrics["flow"])


def test_time_does_not_go_back(city: City, story: Story) -> None:
    world = World(city, story.seed, story.start)
    start = to_us(story.start)
    world.frames(start, start + HOUR_US)
    with pytest.raises(ValueError, match="already"):
        world.frames(start, start + HOUR_US)


def test_the_storys_day_has_the_readings_it_should(city: City, whole: list[Frame]) -> None:
    rows = {cls: sum(len(f) for f in whole if f.cls == cls) for cls in city.classes}
    assert sum(rows.values()) > 100_000
    assert rows["pump"] == 18 * 1440
    assert rows["zone"] == 22 * 288
    assert rows["feeder"] == 48 * 288
    assert 2300 * 48 < rows["lamp"] <= 2400 * 48


def test_every_value_is_possible(city: City, whole: list[Frame]) -> None:
    for frame in whole:
        assert np.all(np.diff(frame.time) >= 0)
        assert np.all(frame.arrival > frame.time)
        assert np.all(frame.arrival < frame.time + SECOND_US)
        for metric in city.classes[frame.cls].metrics:
            values = frame.metrics.get(metric.name)
            if values is not None:
                seen = values[~np.isnan(values)]
                assert metric.low is None or np.all(seen >= metric.low), metric
                assert metric.high is None or np.all(seen <= metric.high), metric


def test_counters_are_the_integrals(city: City, story: Story) -> None:
    world = World(city, story.seed, story.start, story.troubles)
    state = world.state(to_us(story.end))
    frames = world.frames(to_us(story.start), to_us(story.end))
    for zone in ("z01", "z07"):
        column = world.network.zones.index(zone)
        meter = rows_of(frames, city, f"zm-{zone[1:]}")
        first, last = meter["time"][[0, -1]]
        minutes = state.minutes
        inside = np.clip(
            np.minimum(minutes + MINUTE_US, last) - np.maximum(minutes, first), 0, None
        )
        volume = (state.water.flow[:, column] * inside / HOUR_US).sum()
        assert meter["volume"][-1] - meter["volume"][0] == pytest.approx(volume, abs=0.002)
    pump = rows_of(frames, city, "ps-01")
    energy = (pump["power"][:-1] / 60).sum()
    assert pump["energy"][-1] - pump["energy"][0] == pytest.approx(energy, rel=1e-3)


def test_counters_go_on_in_the_next_world(city: City, story: Story) -> None:
    start = to_us(story.start)
    one = World(city, story.seed, story.start)
    one.advance(start + HOUR_US)
    later = one.frames(start + HOUR_US, start + 2 * HOUR_US)
    two = World(city, story.seed, story.start)
    two.advance(start + HOUR_US)
    from_counters = World(
        city, story.seed, story.start.replace(hour=story.start.hour + 1), (), two.counters()
    )
    assert (
        joined(later).keys()
        == joined(again := from_counters.frames(start + HOUR_US, start + 2 * HOUR_US)).keys()
    )
    for key, columns in joined(later).items():
        for name, column in columns.items():
            assert np.array_equal(column, joined(again)[key][name], equal_nan=True)


def test_coarser_history_samples_the_same_day(city: City, story: Story, whole: list[Frame]) -> None:
    world = World(city, story.seed, story.start, story.troubles)
    every = dict.fromkeys(city.classes, 30 * MINUTE_US)
    coarse = rows_of(world.frames(to_us(story.start), to_us(story.end), every), city, "zm-01")
    fine = rows_of(whole, city, "zm-01")
    assert len(coarse["time"]) == 48
    assert abs(coarse["volume"][-1] - fine["volume"][-1]) < 20


def test_an_outage_silences_its_lamps_and_nothing_else(
    city: City, story: Story, whole: list[Frame]
) -> None:
    outage = next(t for t in story.troubles if t.feeder is not None)
    lamps = {
        d.number for d in city.devices.values() if d.cls == "lamp" and d.feeder == outage.feeder
    }
    columns = joined(whole)["lamp"]
    dark = columns["time"] >= outage.starts_us
    assert lamps & set(columns["device"][~dark].tolist())
    assert not lamps & set(columns["device"][dark].tolist())
    cabinet = rows_of(whole, city, f"fc-{(outage.feeder or '')[1:]}")
    out = cabinet["time"] >= outage.starts_us
    assert np.all(cabinet["voltage"][out] == 0) and np.all(cabinet["power"][out] == 0)
    assert np.all(cabinet["voltage"][~out] > 200)
    assert len(cabinet["time"]) == 288


def test_lamps_burn_at_night_as_they_are_dimmed(
    city: City, whole: list[Frame], story: Story
) -> None:
    columns = joined(whole)["lamp"]
    hour = (columns["time"] - to_us(story.start)) / HOUR_US
    well = columns["failure"] == 0
    assert np.all(columns["power"][(hour > 9) & (hour < 17)] < 1)
    assert np.all(columns["power"][well & (hour > 20)] > 20)
    assert set(columns["dimming"][well & (hour < 4)].tolist()) == {50.0}
    feeder = city.devices["la-01-001"].feeder
    rated = sum(
        d.attributes["rated_power"]
        for d in city.devices.values()
        if d.cls == "lamp" and d.feeder == feeder
    )
    cabinet = rows_of(whole, city, "fc-01")
    assert cabinet["power"][-1] == pytest.approx(rated / 1000, rel=0.02)


def test_a_failed_lamp_says_so(city: City, story: Story, whole: list[Frame]) -> None:
    for trouble in (t for t in story.troubles if t.kind == "lamp_failure"):
        lamp = rows_of(whole, city, trouble.devices[0])
        failed = lamp["time"] >= trouble.starts_us
        assert np.all(lamp["failure"] == failed)
        assert np.all(lamp["power"][failed] < 1)


def test_leak_sensors_hear_the_burst_the_louder_the_nearer(
    city: City, story: Story, whole: list[Frame]
) -> None:
    burst = next(t for t in story.troubles if t.kind == "burst")
    sensors = [d for d in city.devices.values() if d.cls == "leak" and d.zone == burst.zone]
    away = [
        np.hypot(d.place.lat - burst.place.lat, (d.place.lon - burst.place.lon) * 0.787)
        for d in sensors
    ]
    loud = []
    for sensor in sensors:
        rows = rows_of(whole, city, sensor.id)
        rows = {name: column[~np.isnan(rows["noise"])] for name, column in rows.items()}
        before = rows["time"] < burst.starts_us
        after = rows["time"] > burst.starts_us + 10 * MINUTE_US
        loud.append(rows["noise"][after].mean())
        assert rows["noise"][after].min() > 45 > rows["noise"][before].max()
        assert rows["pressure"][after].max() < rows["pressure"][before].min()
    assert np.array_equal(np.argsort(away), np.argsort(loud)[::-1])


def test_a_silent_sensor_says_nothing(city: City, story: Story, whole: list[Frame]) -> None:
    silent = next(t for t in story.troubles if t.kind == "sensor_silent")
    number = city.devices[silent.devices[0]].number
    last = max(f.time[f.device == number].max(initial=0) for f in whole)
    assert 0 < last < silent.starts_us


def test_smoke_is_seen_first_and_smelt_minutes_later(
    city: City, story: Story, whole: list[Frame]
) -> None:
    fire = next(t for t in story.troubles if t.kind == "smoke")
    camera = next(f for f in whole if f.cls == "camera")
    assert camera.time[0] == fire.starts_us
    assert camera.metrics["smoke"][0] > 0.7
    columns = joined(whole)["fire"]
    alarm = columns["time"][columns["smoke"] > 5]
    assert 2 * MINUTE_US < alarm[0] - fire.starts_us < 6 * MINUTE_US
    number = columns["device"][columns["smoke"] > 5][0]
    often = np.diff(columns["time"][(columns["device"] == number) & (columns["time"] > alarm[0])])
    assert often.max() <= MINUTE_US


@pytest.mark.parametrize(
    ("category", "hour", "device", "metric"),
    [
        ("main_burst", 8.5, "zm-07", "flow"),
        ("pump", 14.0, "ps-09", "head"),
        ("feeder", 21.5, "fc-29", "voltage"),
        ("fire", 17.0, "fs-04", "smoke"),
        ("lamp", 20.0, "la-12-031", "failure"),
    ],
)
def test_mending_ends_the_physical_cause(
    city: City, story: Story, category: str, hour: float, device: str, metric: str
) -> None:
    start, at = to_us(story.start), to_us(story.start) + int(hour * HOUR_US)
    until = at + 2 * HOUR_US
    broken = World(city, story.seed, story.start, story.troubles)
    broken.advance(at)
    mended = World(city, story.seed, story.start, story.troubles)
    mended.advance(at)
    well = World(city, story.seed, story.start)
    well.advance(at)
    where = city.devices[device].place
    ended = mended.mend(category, at, place=where)
    assert ended is not None and ended.ends_us == at > start
    values = [
        rows_of(world.frames(at, until), city, device)[metric] for world in (broken, mended, well)
    ]
    assert np.allclose(values[1][3:], values[2][3:])
    assert not np.allclose(values[0][3:].mean(), values[2][3:].mean())
    assert mended.mend(category, until, place=where, device=device) is None


def test_requests_come_once_and_only_while_it_is_true(city: City, story: Story) -> None:
    start, end = to_us(story.start), to_us(story.end)
    world = World(city, story.seed, story.start, story.troubles)
    told = [r for span in cuts(start, end, [STEP]) for r in world.requests(*span)]
    assert told == world.requests(start, end)
    assert len({r["id"] for r in told}) == len(told) >= 8
    world.advance(start + 3 * HOUR_US)
    world.mend("main_burst", start + 3 * HOUR_US, zone="z07")
    assert len(world.requests(start, end)) == len(told) - 2
