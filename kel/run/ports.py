"""The few things that the pure core needs from outside, each as small as can be."""

from datetime import datetime
from typing import Protocol

from kel.model.frame import Float64, Int64


class Readings(Protocol):
    """Stored readings, as costing needs them."""

    def series(
        self, device: str, metric: str, since: datetime, until: datetime
    ) -> tuple[Int64, Float64]:
        """Times (µs) and values of one metric in [since, until], in order of time."""
        ...

    def typical(
        self, device: str, metric: str, since: datetime, until: datetime
    ) -> tuple[Int64, Float64]:
        """What is usual on that span: at each whole hour the median of the same hour of the day
        over the 14 days before `since`. Empty where nothing was stored then."""
        ...
