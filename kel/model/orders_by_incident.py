"""Work orders by their id, and of each incident. Pure.

Law: what is asked of an incident is looked up, however often, until an order changes.
"""

from collections import UserDict
from uuid import UUID

from kel.model.order import WorkOrder


class OrdersByIncident(UserDict[UUID, WorkOrder]):
    """Orders by id that can also be asked for those of one incident."""

    _found: dict[UUID, list[WorkOrder]] | None = None

    def of(self, incident: UUID) -> list[WorkOrder]:
        """The orders of the incident, in the order in which they are kept."""
        if self._found is None:
            self._found = {}
            for order in self.values():
                self._found.setdefault(order.incident, []).append(order)
        return list(self._found.get(incident, ()))

    def __setitem__(self, key: UUID, order: WorkOrder) -> None:
        self._found = None
        super().__setitem__(key, order)

    def __delitem__(self, key: UUID) -> None:
        self._found = None
        super().__delitem__(key)
