"""All that the mayor's page says about one week, as plain values.

Conventions:
- a week is Monday to Sunday in the city's time zone; an incident belongs to the week in which it
  was opened, a cost entry to the week of its `at`, a correction to the week in which it was booked;
- `last` is the week before, `mean` the mean of the (up to) six weeks before; None where there is
  no such history;
- a share lies between 0 and 1; a duration is in minutes; a moment is aware UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from kel.model.cost import CostKind
from kel.model.incident import IncidentState


@dataclass(frozen=True, slots=True)
class Euros:
    """A sum of cost entries, cash and management apart, and the way back.

    `entry` is the id of the largest cost entry in the sum; None where the sum is empty.
    """

    cash: Decimal = Decimal(0)
    management: Decimal = Decimal(0)
    entry: UUID | None = None

    @property
    def total(self) -> Decimal:
        return self.cash + self.management


@dataclass(frozen=True, slots=True)
class Figure:
    """A count or a measure: this week, the week before, the mean of the six before."""

    this: float
    last: float | None = None
    mean: float | None = None


@dataclass(frozen=True, slots=True)
class DayCost:
    """One day's cost by kind; kinds that cost nothing may be left out."""

    day: date
    kinds: Mapping[CostKind, Decimal]
    entry: UUID | None = None  # the day's largest


@dataclass(frozen=True, slots=True)
class WeekCost:
    """The cost of a whole week; `start` is its Monday."""

    start: date
    cost: Euros


@dataclass(frozen=True, slots=True)
class KindCost:
    """The week's cost of one kind."""

    kind: CostKind
    cost: Euros


@dataclass(frozen=True, slots=True)
class CommunityCost:
    """A community's incidents opened this week and its cost; `last` is the week before's total."""

    name: str
    incidents: int
    cost: Euros
    last: Decimal | None = None


@dataclass(frozen=True, slots=True)
class CategoryCount:
    """Incidents of a category: opened this week, opened the week before, still active at its end.

    `category` is the category's id, `label` its Greek name.
    """

    category: str
    label: str
    opened: int
    last: int | None
    active: int
    cost: Euros


@dataclass(frozen=True, slots=True)
class BudgetPace:
    """A group of budget lines from 1 January to the week's end: cash only.

    `spent` is the sum of cash entries of its accounts (a pace, not the accounting office's book).
    """

    account: str
    label: str
    budgeted: Decimal
    spent: Decimal
    entry: UUID | None = None


@dataclass(frozen=True, slots=True)
class CostlyIncident:
    """One of the week's most expensive incidents.

    `what` says in Greek what happened (the incident's title), `place` is the community's name,
    `label` the category's. `acknowledge_min`, `restore_min`: minutes from opened to acknowledged
    and to resolved, None while that has not come. `m3`, `kwh`: lost, 0 where none.
    """

    number: str
    category: str
    label: str
    what: str
    place: str
    opened_at: datetime
    state: IncidentState
    cost: Euros
    acknowledge_min: float | None = None
    restore_min: float | None = None
    m3: float = 0.0
    kwh: float = 0.0


@dataclass(frozen=True, slots=True)
class ZoneNight:
    """A zone's mean night flow (02:00–04:00) over the week's nights, m³/h.

    `expected` is what the rule allows; `weeks_high` how many weeks in a row, this one included,
    the flow was above it.
    """

    name: str
    flow: float
    expected: float
    last: float | None = None
    weeks_high: int = 0


@dataclass(frozen=True, slots=True)
class Water:
    """Lost water of the week's entries (m³ and €), wasted energy (kWh), and the worst zones."""

    lost_m3: Figure
    lost: Euros
    wasted_kwh: Figure
    zones: tuple[ZoneNight, ...] = ()


@dataclass(frozen=True, slots=True)
class Lights:
    """Street lights: how many there are, lamps that failed, and the share that worked.

    `availability` is lamp-hours in order / lamp-hours, 0–1.
    """

    lamps: int
    failures: Figure
    availability: Figure


@dataclass(frozen=True, slots=True)
class Times:
    """Median and 90th percentile in minutes over the incidents opened this week (None: none yet),
    and the week before's medians."""

    acknowledge: float | None = None
    acknowledge_p90: float | None = None
    acknowledge_last: float | None = None
    restore: float | None = None
    restore_p90: float | None = None
    restore_last: float | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """Orders completed in the week, the crews' hours on them (person-hours) and kilometres."""

    orders: Figure
    hours: Figure
    km: Figure
    overtime_hours: Figure


@dataclass(frozen=True, slots=True)
class Decision:
    """Something that waits for the mayor.

    `kind`: unplanned, budget, stock, zone, overtime; `about`: the incident's number, the account,
    item, zone or crew; `question`: what is to be decided; `because`: the figures behind it.
    """

    kind: str
    about: str
    question: str
    because: str


@dataclass(frozen=True, slots=True)
class Week:
    """The mayor's week.

    city: what the page calls the municipality («Δήμος Διονύσου»); start: its Monday; made_at: the
    moment the figures were taken; timezone: of the city.
    incidents: opened this week; states: of those incidents as they stand now.
    cost, cost_last, cost_mean: total of all kinds. days: seven; weeks: up to six before and this
    one, oldest first. kinds, communities, categories: any order, the page sorts. budget: groups of
    lines. costly: any number, the page shows the five most expensive. decisions: from `decide`.
    """

    city: str
    start: date
    made_at: datetime
    incidents: Figure
    cost: Euros
    cost_last: Decimal | None
    cost_mean: Decimal | None
    water: Water
    lights: Lights
    times: Times
    work: Work
    states: Mapping[IncidentState, int] = field(default_factory=dict)
    days: tuple[DayCost, ...] = ()
    weeks: tuple[WeekCost, ...] = ()
    kinds: tuple[KindCost, ...] = ()
    communities: tuple[CommunityCost, ...] = ()
    categories: tuple[CategoryCount, ...] = ()
    budget: tuple[BudgetPace, ...] = ()
    costly: tuple[CostlyIncident, ...] = ()
    decisions: tuple[Decision, ...] = ()
    timezone: str = "Europe/Athens"

    @property
    def end(self) -> date:
        """The week's Sunday."""
        return self.start + timedelta(days=6)
