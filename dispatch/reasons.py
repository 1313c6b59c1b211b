"""Why a job is not planned: the smallest constraint in its way, as a Greek sentence. Pure.

Laws:
- `constraint` is one short word of a fixed list, in the order in which it is met;
- a sentence names what is missing and, where it is known, until when; it does not change while
  nothing changes, so that it is told once.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import IntEnum
from zoneinfo import ZoneInfo

from kel.model.city import City
from kel.model.crew import Crew
from kel.model.incident import Category, Material
from kel.model.labels import SKILL_LABEL
from kel.model.order import WorkOrder

WEEKDAYS = ("Δευτέρα", "Τρίτη", "Τετάρτη", "Πέμπτη", "Παρασκευή", "Σάββατο", "Κυριακή")

VEHICLE_LABEL = {
    "van": "βαν",
    "digger": "εκσκαφέας",
    "bucket_truck": "καλαθοφόρο",
    "tanker": "υδροφόρα",
    "truck": "φορτηγό",
    "crane": "γερανοφόρο",
}


class Constraint(IntEnum):
    """What stands in a job's way; a later one is nearer to being planned."""

    CLEARED = 0  # nothing to do: it seems to have passed
    SKILLS = 1
    PEOPLE = 2
    VEHICLE = 3
    DECLINED = 4  # the crew said no, or nothing
    STOCK = 5
    SHIFT = 6
    BUSY = 7

    @property
    def code(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Obstacle:
    constraint: Constraint
    reason: str


def cleared() -> Obstacle:
    return Obstacle(Constraint.CLEARED, "οι αισθητήρες δείχνουν ότι πέρασε· κλείνει αν μείνει έτσι")


def no_skills(category: Category) -> Obstacle:
    names = ", ".join(SKILL_LABEL.get(s, s) for s in sorted(category.skills))
    return Obstacle(Constraint.SKILLS, f"κανένα συνεργείο δεν τα έχει όλα: {names}")


def few_people(crew: Crew, category: Category) -> Obstacle:
    return Obstacle(
        Constraint.PEOPLE,
        f"χρειάζονται {category.people} άτομα· {crew.name} έχει {len(crew.people)}",
    )


def no_vehicle(crew: Crew, kind: str) -> Obstacle:
    name = VEHICLE_LABEL.get(kind, kind)
    return Obstacle(Constraint.VEHICLE, f"δεν υπάρχει διαθέσιμο όχημα ({name}): {crew.name}")


def declined(city: City, crew: Crew, until: datetime, now: datetime) -> Obstacle:
    when = moment_label(city, until, now)
    return Obstacle(
        Constraint.DECLINED, f"{crew.name}: αρνήθηκε, δεν απάντησε ή έφυγε· ξανά από {when}"
    )


def no_stock(city: City, short: Material, free: Decimal) -> Obstacle:
    """`short` is what no place has of it, `free` what there is."""
    item = city.items.get(short.item)
    name, unit = (item.name, f" {item.unit}") if item else (short.item, "")
    needed, there = quantity_label(short.quantity + free), quantity_label(free)
    days = f"· παραγγελία σε {item.lead_days} ημέρες" if item else ""
    return Obstacle(
        Constraint.STOCK,
        f"λείπει υλικό: {name}, χρειάζονται {needed}{unit}, διαθέσιμα {there}{days}",
    )


def off_shift(city: City, crew: Crew, start: datetime | None, now: datetime) -> Obstacle:
    if start is None:
        return Obstacle(Constraint.SHIFT, f"{crew.name}: καμία βάρδια τις επόμενες ημέρες")
    when = moment_label(city, start, now)
    return Obstacle(Constraint.SHIFT, f"περιμένει τη βάρδια του συνεργείου {crew.name} {when}")


def busy(
    city: City, crew: Crew, order: WorkOrder | None, until: datetime | None, now: datetime
) -> Obstacle:
    on = f" με την εντολή {order.number}" if order else ""
    when = f" ως {moment_label(city, until, now)}" if until else ""
    return Obstacle(Constraint.BUSY, f"{crew.name}: απασχολημένο{on}{when}")


def moment_label(city: City, moment: datetime, now: datetime) -> str:
    """ "07:00" today, "Δευτέρα 07:00" within the week, else with the date; by the city's clock."""
    zone = ZoneInfo(city.timezone)
    local, today = moment.astimezone(zone), now.astimezone(zone).date()
    clock = f"{local:%H:%M}"
    if local.date() == today:
        return clock
    if abs((local.date() - today).days) < 7:
        return f"{WEEKDAYS[local.weekday()]} {clock}"
    return f"{local:%d/%m} {clock}"


def quantity_label(quantity: Decimal) -> str:
    """A quantity as Greeks write it: without empty decimals, with a comma."""
    return f"{quantity.normalize():f}".replace(".", ",")
