"""Corrections: late data restates a cost and the old figure stays.

Law: a correction carries the *difference*, so that every sum over the entries is right without
knowing about corrections, and the first entry and all its corrections add up to what is true now.
"""

from collections.abc import Sequence
from dataclasses import replace

from kel.model.cost import CostEntry
from kel.model.ids import make_id


def correct(entry: CostEntry, new: CostEntry, earlier: Sequence[CostEntry] = ()) -> CostEntry:
    """The entry that turns `entry` with its `earlier` corrections into `new`.

    amount and quantity are new − what stands (negative where less was spent); price, place,
    account and moment are the new ones; `basis` keeps both figures beside the new basis. An amount
    of 0 says that nothing changed: it need not be booked. Raises ValueError where `new` is of
    another kind, nature, unit or incident, or `earlier` corrects something else: such a cost is
    taken back by a correction to 0 and booked anew.
    """
    told = (entry.kind, entry.nature, entry.unit, entry.incident, entry.order, entry.item)
    if told != (new.kind, new.nature, new.unit, new.incident, new.order, new.item):
        raise ValueError("a correction keeps kind, nature, unit, incident, order and item")
    if any(e.corrects != entry.id for e in earlier):
        raise ValueError("earlier corrections must correct the same entry")
    standing = sum((e.amount for e in earlier), entry.amount)
    quantity = sum((e.quantity for e in earlier), entry.quantity)
    return replace(
        new,
        id=make_id("cost", entry.id, "correction", len(earlier) + 1),
        amount=new.amount - standing,
        quantity=new.quantity - quantity,
        basis={**new.basis, "was": str(standing), "now": str(new.amount)},
        corrects=entry.id,
    )
