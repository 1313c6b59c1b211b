"""The storekeeper of the weeks before the story: orders what runs low, and it comes.

Laws: every morning what stands at its reorder point or below is ordered, up to twice that point and
at least to what the warehouse opened with; it comes after the item's lead time; nothing is ordered
twice while it is on its way.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from kel.model.city import City
from kel.model.situation import Situation
from kel.model.stock import WAREHOUSE
from kel.simulate.calendar import DAY_US


@dataclass
class Storekeeper:
    city: City
    on_the_way: dict[str, tuple[int, Decimal]] = field(default_factory=dict)  # item → µs, how much

    def order(self, situation: Situation, now_us: int) -> None:
        """Look through the shelves, and order what runs low."""
        for item in self.city.items.values():
            stock = situation.stock_at(WAREHOUSE, item.id)
            if item.id not in self.on_the_way and stock.free <= item.reorder:
                wanted = max(2 * item.reorder, item.opening) - stock.free
                self.on_the_way[item.id] = (now_us + item.lead_days * DAY_US, wanted)

    def arrived(self, now_us: int) -> list[tuple[str, Decimal]]:
        """What has come by now, by item."""
        due = sorted(item for item, (at, _) in self.on_the_way.items() if at <= now_us)
        return [(item, self.on_the_way.pop(item)[1]) for item in due]
