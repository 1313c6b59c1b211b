"""Materials: what the crew says it used, at the city's price. Management: bought before.

What a crew did not report (`used` is None) costs nothing; the plan's quantity is no use.
"""

from datetime import datetime
from decimal import Decimal

from kel.costs.entry import make_entry
from kel.model.city import City
from kel.model.cost import CostEntry, CostKind, CostNature
from kel.model.incident import Incident
from kel.model.order import WorkOrder


def material_costs(
    city: City, order: WorkOrder, incident: Incident, at: datetime
) -> list[CostEntry]:
    """One entry per item; what came from several places is one entry that names them."""
    used: dict[str, Decimal] = {}
    places: dict[str, list[str]] = {}
    for line in order.items:
        if line.used:
            used[line.item] = used.get(line.item, Decimal(0)) + line.used
            places.setdefault(line.item, []).append(line.place)
    entries = []
    for item_id, quantity in used.items():
        item = city.items.get(item_id)
        basis: dict[str, object] = {"from": ", ".join(places[item_id])}
        if item is None:
            basis["unpriced"] = "the city has no such item"
        entries.append(
            make_entry(
                incident,
                city.categories.get(incident.category),
                about=order.id,
                at=at,
                kind=CostKind.MATERIAL,
                nature=CostNature.MANAGEMENT,
                name=item_id,
                quantity=quantity,
                unit=item.unit if item else "",
                price=item.price if item else Decimal(0),
                basis=basis,
                order=order.id,
                item=item_id,
            )
        )
    return entries
