"""All that a completed order cost."""

from datetime import datetime

from kel.costs.labour import labour_costs
from kel.costs.material import material_costs
from kel.costs.vehicle import vehicle_costs
from kel.costs.work import outing_of
from kel.model.city import City
from kel.model.cost import CostEntry
from kel.model.incident import Incident
from kel.model.order import WorkOrder


def order_costs(city: City, order: WorkOrder, incident: Incident, at: datetime) -> list[CostEntry]:
    """Labour, vehicle and material entries of a completed order, booked `at`.

    Raises ValueError where the order is not completed or belongs to another incident.
    """
    if order.incident != incident.id:
        raise ValueError(f"order {order.number} is not of incident {incident.number}")
    outing = outing_of(order)
    return [
        *labour_costs(city, order, incident, outing, at),
        *vehicle_costs(city, order, incident, outing, at),
        *material_costs(city, order, incident, at),
    ]
