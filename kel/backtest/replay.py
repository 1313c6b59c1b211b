"""Stretches of history through the rules, exactly as live rows go through them.

Laws:
- the evaluator is the live one, over its devices as one partition;
- of an alert only its last word is kept; one that is active at the end has no `cleared_at`;
- history is in order of time: what came late is judged as if it had come in time.
"""

from collections.abc import Collection
from uuid import UUID

from kel.backtest.stretch import Stretch
from kel.model.alert import Alert
from kel.model.city import City
from kel.model.device import Device
from rules.book.rulebook import Rulebook
from rules.evaluate import Evaluator


class Replay:
    """One rulebook over a history that is fed to it, stretch after stretch."""

    def __init__(
        self, rulebook: Rulebook, city: City, devices: Collection[Device] | None = None
    ) -> None:
        """`devices`: those to judge, where it is not all of the city's."""
        watched = list(city.devices.values()) if devices is None else devices
        self._evaluator = Evaluator(rulebook, city, watched)
        self._last: dict[UUID, Alert] = {}
        self._begun = False

    def feed(self, stretch: Stretch) -> None:
        """Judge the rows, and let the rules' time come to the stretch's end."""
        if not self._begun:  # who never speaks is silent from here on
            self._begun = True
            self._hear(self._evaluator.tick(stretch.first - 1))
        for frame in stretch.frames:
            self._hear(self._evaluator.frame(frame))
        self._hear(self._evaluator.tick(stretch.last))

    def _hear(self, alerts: list[Alert]) -> None:
        self._last.update((alert.id, alert) for alert in alerts)

    @property
    def alerts(self) -> list[Alert]:
        """All alerts so far, each as it is now, in order of detection."""
        return sorted(self._last.values(), key=lambda a: (a.detected_at, a.rule, a.device))
