"""Which trouble a crew's job has ended: the cause that it found where it was."""

from collections.abc import Iterable

from kel.model.place import Point
from kel.simulate.ground import metres
from kel.simulate.troubles import MENDS, Kind, Trouble

# A crew at a place finds a trouble whose signs are this near.
NEAREST_M = {
    Kind.BURST: 1500.0,
    Kind.SERVICE_LEAK: 1500.0,
    Kind.PUMP_WEAR: 800.0,
    Kind.FEEDER_OUTAGE: 800.0,
    Kind.LAMP_FAILURE: 120.0,
    Kind.SMOKE: 2000.0,
    Kind.SENSOR_SILENT: 120.0,
    Kind.MATTER: 300.0,
}


def found(
    troubles: Iterable[Trouble],
    category: str,
    place: Point | None = None,
    device: str | None = None,
    zone: str | None = None,
    feeder: str | None = None,
) -> Trouble | None:
    """Of the troubles that a job of `category` ends, the likeliest kind's best fit: on that device,
    else on that feeder or in that zone, else the one whose signs are nearest to `place`."""
    kinds = (*MENDS.get(category, ()), Kind.MATTER)
    fitting = [
        (kinds.index(trouble.kind), *fit, trouble.starts_us, trouble.id, trouble)
        for trouble in troubles
        if trouble.kind in kinds
        and (trouble.kind is not Kind.MATTER or trouble.category == category)
        and (fit := _fit(trouble, place, device, zone, feeder)) is not None
    ]
    return min(fitting, key=lambda fit: fit[:-1])[-1] if fitting else None


def _fit(
    trouble: Trouble,
    place: Point | None,
    device: str | None,
    zone: str | None,
    feeder: str | None,
) -> tuple[int, float] | None:
    """How well a job fits a trouble, the smaller the better; None where it does not."""
    if device is not None and device in trouble.devices:
        return (0, 0.0)
    if feeder is not None and feeder == trouble.feeder:
        return (1, 0.0)
    if zone is not None and zone == trouble.zone:
        return (1, 0.0)
    if place is None:
        return None
    away = min(metres(place, sign) for sign in (trouble.place, *trouble.signs))
    return (2, away) if away <= NEAREST_M[trouble.kind] else None
