"""Values of a format in the units that the city's classes declare.

Laws: how to is worked out once for class, metric and unit; a metric that no class declares stays as
it is; a unit that cannot become the class's refuses the value, and so the message.
"""

from collections.abc import Mapping

from ingest.checks import number_of, shown
from ingest.validate import Reason, Refused
from kel.model.device import DeviceClass
from kel.model.units import Linear, UnitError, linear

SAME: Linear = (1.0, 0.0)
MOST = 4096  # of what was worked out: units come from messages

Way = Linear | UnitError


class Scaling:
    """All classes' units against those of one format (`units`: by metric)."""

    def __init__(
        self, classes: Mapping[str, DeviceClass], units: Mapping[str, str] | None = None
    ) -> None:
        self._declared = {
            (c.id, metric.name): metric.unit for c in classes.values() for metric in c.metrics
        }
        self._ways: dict[tuple[str, str, str], Way] = {}
        self._fixed = {
            cls: {
                metric: way
                for metric, unit in (units or {}).items()
                if (way := self._way(cls, metric, unit)) != SAME
            }
            for cls in classes
        }

    def apply(self, cls: str, values: dict[str, object]) -> None:
        """Bring `values` (by metric) from the format's units into the class's, in place."""
        for metric, way in self._fixed[cls].items():
            value = values.get(metric)
            if value is not None:
                values[metric] = _scaled(value, metric, way)

    def value(self, cls: str, metric: str, unit: str, value: object) -> float:
        """One value in `unit` as the class declares the metric."""
        key = cls, metric, unit
        way = self._ways.get(key)
        if way is None:
            way = self._way(*key)
            if len(self._ways) >= MOST:
                self._ways.clear()
            self._ways[key] = way
        return _scaled(value, metric, way)

    def _way(self, cls: str, metric: str, unit: str) -> Way:
        declared = self._declared.get((cls, metric))
        if declared is None:
            return SAME
        try:
            return linear(unit, declared)
        except UnitError as error:
            return error


def _scaled(value: object, metric: str, way: Way) -> float:
    if isinstance(way, UnitError):
        raise Refused(Reason.BAD_UNIT, f"{shown(metric)}: {way}")
    return number_of(value, metric) * way[0] + way[1]
