"""Troubles of the city by kind, each with the places where its effects show.

Each function fills a bare trouble (id, kind, times). A place given as None is the obvious one: the
zone's centre, the camera itself.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from kel.model.city import City
from kel.model.device import Device
from kel.model.moment import HOUR_US, MICROSECOND, MINUTE_US
from kel.model.place import Point
from kel.simulate.ground import metres
from kel.simulate.troubles import Kind, Trouble

NOWHERE = Point(0.0, 0.0)  # of a bare trouble
FIRE_REACH_M = 1200.0
RAMPS = {
    Kind.BURST: 3 * MINUTE_US,
    Kind.SERVICE_LEAK: 6 * HOUR_US,
    Kind.PUMP_WEAR: 2 * HOUR_US,
    Kind.SMOKE: 12 * MINUTE_US,
}
SMOKE_DELAY = timedelta(minutes=4)


def bare(
    known: str, kind: Kind, starts_us: int, ramp: timedelta | None, ends_us: int | None = None
) -> Trouble:
    """A trouble of a kind at a moment; where, how large and on what comes next."""
    ramp_us = RAMPS.get(kind, 0) if ramp is None else ramp // MICROSECOND
    return Trouble(known, kind, starts_us, NOWHERE, ends_us, ramp_us=ramp_us)


def water(
    city: City,
    trouble: Trouble,
    zone: str,
    place: Point | None,
    size: float,
    exponent: float = 1.0,
) -> Trouble:
    """A burst or a service leak in a zone; it shows at the zone's meter and leak sensors."""
    about = city.zones[zone]
    return replace(
        trouble,
        zone=zone,
        place=place or about.centre,
        community=about.community,
        size=size,
        exponent=exponent,
        signs=(about.centre, *_places(city, lambda d: d.zone == zone)),
    )


def pump(city: City, trouble: Trouble, device: str, size: float) -> Trouble:
    """A station's pump losing a share of its head."""
    return replace(on(city, trouble, device), size=size)


def outage(city: City, trouble: Trouble, feeder: str) -> Trouble:
    """A feeder without voltage; it shows at its cabinet."""
    about = city.feeders[feeder]
    return replace(
        trouble,
        feeder=feeder,
        place=about.centre,
        community=about.community,
        signs=_places(city, lambda d: d.cls == "feeder" and d.feeder == feeder),
    )


def lamp(city: City, trouble: Trouble, device: str) -> Trouble:
    """One lamp that does not burn."""
    return on(city, trouble, device)


def silence(city: City, trouble: Trouble, device: str) -> Trouble:
    """A device that says nothing any more."""
    return on(city, trouble, device)


def smoke(
    city: City,
    trouble: Trouble,
    camera: str,
    place: Point | None,
    size: float,
    delay: timedelta | None = None,
) -> Trouble:
    """A fire that one camera sees; it shows there and at the fire sensors in reach."""
    seen = on(city, trouble, camera)
    at = place or seen.place
    near = _places(city, lambda d: d.cls == "fire" and metres(d.place, at) < FIRE_REACH_M)
    return replace(
        seen,
        place=at,
        size=size,
        signs=(seen.place, *near),
        delay_us=(delay or SMOKE_DELAY) // MICROSECOND,
    )


def matter(
    city: City, trouble: Trouble, category: str, community: str, place: Point | None
) -> Trouble:
    """What only citizens see."""
    at = place or city.communities[community].centre
    return replace(trouble, category=category, community=community, place=at)


def on(city: City, trouble: Trouble, device: str) -> Trouble:
    """A trouble of one device."""
    about = city.devices[device]
    return replace(trouble, devices=(device,), place=about.place, community=about.community)


def _places(city: City, wanted: Callable[[Device], bool]) -> tuple[Point, ...]:
    return tuple(device.place for device in city.devices.values() if wanted(device))
