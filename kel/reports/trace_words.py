"""What a trace says in sentences: names, and how a quantity came about. Greek. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np

from kel.costs.loss import KWH_PER_M3_M, MAX_GAP_US, water_lost
from kel.costs.lost import left_out
from kel.model.city import City
from kel.model.cost import CostEntry, CostKind
from kel.model.moment import MINUTE_US, to_us
from kel.model.stock import WAREHOUSE
from kel.reports import greek
from kel.reports.traced import Series

BAND = {
    "shift": "εντός ωραρίου",
    "overtime": "εκτός ωραρίου",
    "night": "νύχτα",
    "sunday": "Κυριακή ή αργία",
}
NO_UNIT = ("1", "0/1", "0-1")  # shares and flags
Facts = Mapping[str, float | str]


class Words:
    """The names of a city's things; what its folder does not know (any more) keeps its id."""

    def __init__(self, city: City) -> None:
        self.city = city
        self._people = {p.id: p.name for c in city.crews.values() for p in c.people}

    def person(self, id_: str) -> str:
        return self._people.get(id_, id_)

    def vehicle(self, id_: str) -> str:
        known = self.city.vehicles.get(id_)
        return known.name if known else id_

    def crew(self, id_: str) -> str:
        known = self.city.crews.get(id_)
        return known.name if known else id_

    def place(self, id_: str) -> str:
        """A place of stock: the warehouse, or a crew's van."""
        return "αποθήκη" if id_ == WAREHOUSE else f"όχημα: {self.crew(id_)}"

    def item(self, id_: str) -> tuple[str, str]:
        """Name and unit."""
        known = self.city.items.get(id_)
        return (known.name, known.unit) if known else (id_, "")

    def category(self, id_: str) -> str:
        known = self.city.categories.get(id_)
        return known.label if known else id_

    def community(self, id_: str) -> str:
        known = self.city.communities.get(id_)
        return known.name if known else id_

    def account(self, id_: str) -> str:
        label = next((b.label for b in self.city.budget if b.account == id_), "")
        return f"{id_} {label}".strip() or "χωρίς λογαριασμό"

    def device(self, id_: str) -> str:
        known = self.city.devices.get(id_)
        return f"{id_} {known.name}" if known and known.name != id_ else id_

    def metric(self, cls: str, name: str) -> tuple[str, str]:
        """Label and unit of a class's metric."""
        known = self.city.classes.get(cls)
        metric = known.metric(name) if known else None
        if metric is None:
            return name, ""
        return metric.label, "" if metric.unit in NO_UNIT else metric.unit

    def at(self, moment: datetime) -> datetime:
        return moment.astimezone(ZoneInfo(self.city.timezone))

    def moment(self, moment: datetime) -> str:
        """«Τετ 21/10, 02:40»."""
        return greek.moment(moment, self.city.timezone)

    def span(self, since: datetime, until: datetime) -> str:
        """«Τετ 21/10, 02:40–12:10 (9 ώρ. 30 λ.)»."""
        same = self.at(since).date() == self.at(until).date()
        end = f"{self.at(until):%H:%M}" if same else f" {self.moment(until)}"
        return f"{self.moment(since)}–{end} ({length(until - since)})"


def length(span: timedelta) -> str:
    return greek.duration(span.total_seconds() / 60)


def plain(value: Decimal | float) -> str:
    """A quantity without empty decimals: «3», «1.007,25»."""
    exact = Decimal(str(value)).normalize()
    exponent = exact.as_tuple().exponent
    places = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    return greek.number(exact, min(places, 4))


def price(value: Decimal) -> str:
    """A price as stored: two decimals at least, four at most."""
    exponent = value.normalize().as_tuple().exponent
    places = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    return greek.number(value, min(max(places, 2), 4))


def band(name: str) -> str:
    """«εκτός ωραρίου, νύχτα» of the pay band "overtime-night"."""
    return ", ".join(BAND.get(word, word) for word in name.split("-"))


def how(entry: CostEntry, words: Words) -> Iterator[str]:
    """How the entry's quantity came about, by its basis; a line a thing. Losses are told apart."""
    basis = entry.basis
    if entry.kind is CostKind.LABOUR:
        person = words.person(str(basis.get("person", "")))
        yield f"{person}, βαθμίδα {basis.get('grade', '–')}, {band(str(basis.get('band', '')))}"
    if entry.kind is CostKind.VEHICLE:
        yield words.vehicle(str(basis.get("vehicle", "")))
    if entry.kind is CostKind.MATERIAL:
        name, _ = words.item(entry.item or "")
        places = str(basis.get("from", "")).split(", ")
        yield f"{name}, από: {', '.join(map(words.place, places))}"
    if entry.kind in (CostKind.LABOUR, CostKind.VEHICLE) and {"since", "until"} <= basis.keys():
        since, until = (datetime.fromisoformat(str(basis[k])) for k in ("since", "until"))
        back = plain(float(str(basis.get("way_back_min", 0))))
        yield f"εκτός έδρας {words.span(since, until)}, μαζί με {back} λ. επιστροφή"
    if "unpriced" in basis:
        yield f"χωρίς τιμή: {basis['unpriced']}"
    if "was" in basis:
        yield f"διόρθωση: από {basis['was']} € σε {basis.get('now', '')} €"
    if {"late", "late_since", "late_until"} <= basis.keys():
        since, until = (datetime.fromisoformat(str(basis[f"late_{k}"])) for k in ("since", "until"))
        came = words.span(since, until) if since < until else words.moment(since)
        yield f"μετρήσεις που ήρθαν αργά: {basis['late']}, {came}"


def integrated(entry: CostEntry, series: Series, words: Words) -> Iterator[str]:
    """How m³ or kWh came out of the readings: the formula, its figures, and a check."""
    basis, unit = entry.basis, entry.unit
    label, rate = words.metric(series.cls, series.metric)
    gap = plain(MAX_GAP_US / MINUTE_US)
    yield (
        f"{label} της συσκευής {words.device(series.device)}, "
        f"{words.span(series.since, series.until)}"
    )
    if entry.kind is CostKind.WATER:
        yield f"{unit} = Σ max(παροχή − συνήθης, 0) × χρόνος, κατά τραπέζια"
        yield (
            "συνήθης: η διάμεσος της ίδιας ώρας στις 14 προηγούμενες ημέρες, κατά μέσο όρο "
            f"{figure(basis, 'usual')} {rate}· υψηλότερη μέτρηση "
            f"{figure(basis, 'highest')} {rate}"
        )
    else:
        factor = greek.number(KWH_PER_M3_M, 6)
        yield f"{unit} = Σ max(ισχύς − ανάγκη, 0) × χρόνος, κατά τραπέζια"
        yield (
            f"ανάγκη: {factor} × παροχή × μανομετρικό / η, με η = {figure(basis, 'efficiency')}· "
            f"κατά μέσο όρο {figure(basis, 'needed_kw')} kW αντί για "
            f"{figure(basis, 'taken_kw')} kW που πήρε"
        )
    yield (
        f"{figure(basis, 'readings')} μετρήσεις· κενά πάνω από {gap} λεπτά δεν μετρούν: "
        f"{figure(basis, 'gap_hours')} ώρες"
    )
    for other in left_out(basis):
        yield f"χωρίς όσα χρεώθηκαν στο {other.incident}, {words.span(other.begins, other.ends)}"
    whole = passed(series)
    lost = Decimal(str(basis.get("quantity", entry.quantity)))  # a correction tells the difference
    if whole:
        yield (
            f"έλεγχος: οι μετρήσεις δίνουν συνολικά {greek.number(whole, 1)} {unit}, από αυτά "
            f"{greek.number(lost, 1)} πάνω από το αναμενόμενο "
            f"({greek.percent(float(lost) / whole)})"
        )


def passed(series: Series) -> float:
    """All that the readings amount to (m³ of m³/h, kWh of kW), by the same integral as a loss."""
    times = np.array([to_us(r.at) for r in series.counted], dtype=np.int64)
    values = np.array([r.value for r in series.counted], dtype=np.float64)
    return water_lost(times, values, times, np.zeros(len(times))).quantity


def figure(facts: Mapping[str, object], name: str) -> str:
    """The figure or word of that name as people write it; «–» where it is missing."""
    value = facts.get(name)
    return plain(value) if isinstance(value, (int, float, Decimal)) else str(value or "–")
