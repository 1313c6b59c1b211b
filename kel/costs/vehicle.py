"""Vehicles: kilometres (cash: fuel, tyres) and hours (management: wear, insurance, inspection).

`order.km` is the whole trip, there and back: the crew's own figure where it gave one, else the
plan's. Every vehicle of the order drives it.
"""

from datetime import datetime
from decimal import Decimal

from kel.costs.entry import make_entry, to_hours
from kel.costs.work import Outing
from kel.model.city import City
from kel.model.cost import CostEntry, CostKind, CostNature
from kel.model.incident import Incident
from kel.model.order import WorkOrder


def vehicle_costs(
    city: City, order: WorkOrder, incident: Incident, outing: Outing, at: datetime
) -> list[CostEntry]:
    """Two entries per vehicle, less where it drove no kilometre."""
    km, hours = Decimal(str(order.km)), to_hours(outing.back - outing.left)
    entries = []
    for vehicle_id in dict.fromkeys(order.vehicles):
        vehicle = city.vehicles.get(vehicle_id)
        per_km, per_hour = (vehicle.eur_per_km, vehicle.eur_per_hour) if vehicle else (0, 0)
        parts = (
            ("km", CostNature.CASH, km, per_km),
            ("h", CostNature.MANAGEMENT, hours, per_hour),
        )
        for unit, nature, quantity, price in parts:
            if not quantity:
                continue
            basis: dict[str, object] = {"vehicle": vehicle_id, **outing.basis}
            if vehicle is None:
                basis["unpriced"] = "the city has no such vehicle"
            entries.append(
                make_entry(
                    incident,
                    city.categories.get(incident.category),
                    about=order.id,
                    at=at,
                    kind=CostKind.VEHICLE,
                    nature=nature,
                    name=f"{vehicle_id}/{unit}",
                    quantity=quantity,
                    unit=unit,
                    price=Decimal(price),
                    basis=basis,
                    order=order.id,
                )
            )
    return entries
