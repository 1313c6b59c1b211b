"""The week's page as HTML, and as PDF.

Laws:
- one A4 page whatever the week holds: lists are cut at fixed lengths and say how much they left
  out, long names end in «…» (whole in the tooltip), and the PDF is set smaller before it would
  break;
- text from outside is escaped; nothing on the page runs or is fetched.
"""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeVar

from jinja2 import Environment, PackageLoader, StrictUndefined

from kel.model.cost import CostKind
from kel.model.labels import KIND_LABEL, STATE_LABEL
from kel.reports import charts, greek
from kel.reports.headline import headline
from kel.reports.week import BudgetPace, Figure, Week
from kel.reports.words import KIND_COLOUR, STAGES

COSTLY, DECISIONS, COMMUNITIES, CATEGORIES, LINES, ZONES = 5, 5, 7, 7, 6, 4
TYPE_PT = 8.2  # the printed page's type; the style sheet's `html` on paper
SMALLER = (0.94, 0.88, 0.82, 0.76, 0.7)  # tried in turn until the PDF is one page

KINDS = list(CostKind)

T = TypeVar("T")


def render_html(week: Week) -> str:
    """The page: one self-contained HTML document."""
    template = _environment().get_template("week.html")
    return template.render(
        week=week,
        headline=headline(week),
        title=greek.week_title(week.start),
        days_chart=charts.days_chart(week.days),
        weeks_chart=charts.weeks_chart(week.weeks, week.cost_mean),
        costly=sorted(week.costly, key=lambda i: (-i.cost.total, i.number))[:COSTLY],
        decisions=week.decisions[:DECISIONS],
        more_decisions=max(len(week.decisions) - DECISIONS, 0),
        communities=_top(week.communities, COMMUNITIES, lambda c: (-c.cost.total, c.name)),
        categories=_top(week.categories, CATEGORIES, lambda c: (-c.cost.total, -c.opened, c.label)),
        kinds=sorted((k for k in week.kinds if k.cost.total), key=lambda k: KINDS.index(k.kind)),
        most=_most(week),
        lines=_top(week.budget, LINES, lambda b: (-spent_share(b), b.account)),
        zones=_top(week.water.zones, ZONES, lambda z: (z.expected - z.flow, z.name)),
        year_share=year_share(week.end),
        states=_states(week),
    )


def render_pdf(html: str) -> bytes:
    """The page as PDF on one A4 sheet, text as text, made from the HTML alone.

    Raises ValueError where the HTML asks for a picture, a font or a file from elsewhere.
    """
    # Here, because it loads Pango: only where a PDF is asked for.
    from weasyprint import CSS, HTML
    from weasyprint.urls import FatalURLFetchingError, URLFetcher

    page = HTML(string=html, url_fetcher=URLFetcher(allowed_protocols=(), fail_on_errors=True))
    try:
        document = page.render()
        for size in SMALLER:
            if len(document.pages) == 1:
                break
            smaller = CSS(string=f"html {{font-size: {TYPE_PT * size:.2f}pt !important}}")
            document = page.render(stylesheets=[smaller])
    except FatalURLFetchingError as error:
        raise ValueError(f"the page is one file and fetches nothing: {error}") from error
    return bytes(document.write_pdf())


def spent_share(line: BudgetPace) -> float:
    """Spent / budgeted; a line without credit that was charged counts as spent twice over."""
    if line.budgeted > 0:
        return float(line.spent / line.budgeted)
    return 2.0 if line.spent > 0 else 0.0


def spent_told(share: float) -> str:
    """«92 %»; from ten times the credit on «×92»."""
    return greek.percent(share) if share < 9.995 else f"×{greek.number(share)}"


def year_share(day: date) -> float:
    """The share of the year that has passed with `day`."""
    return day.timetuple().tm_yday / date(day.year, 12, 31).timetuple().tm_yday


def change(this: float, before: float | None) -> str:
    """«+18 %», «−4 %», «ίδιο»; empty where there is nothing to compare with."""
    if before is None or before <= 0:
        return ""
    ratio = this / before - 1
    if abs(ratio) < 0.005:
        return "ίδιο"
    if ratio >= 9.995:
        return f"×{greek.number(ratio + 1)}"
    return ("+" if ratio > 0 else "") + greek.percent(ratio)


def compared(figure: Figure, decimals: int = 0) -> str:
    """«προηγούμενη 19 · μ.ό. 20», as far as there is history."""
    told = []
    if figure.last is not None:
        told.append(f"προηγούμενη {greek.number(figure.last, decimals)}")
    if figure.mean is not None:
        told.append(f"μ.ό. {greek.number(figure.mean, decimals)}")
    return " · ".join(told)


def _top(things: Sequence[T], most: int, key: Callable[[T], Any]) -> tuple[list[T], int]:
    ordered = sorted(things, key=key)
    return ordered[:most], max(len(ordered) - most, 0)


def _most(week: Week) -> Decimal:
    """What a full bar of the communities means: the highest total, this week or the last."""
    totals = [c.cost.total for c in week.communities]
    return max([*totals, *(c.last or Decimal(0) for c in week.communities), Decimal(1)])


def _states(week: Week) -> str:
    """«2 ανοικτά, 3 σε εξέλιξη, 18 αποκαταστάθηκαν», in the order of an incident's life."""
    told = []
    for states, one, many in STAGES:
        count = sum(week.states.get(state, 0) for state in states)
        if count:
            told.append(greek.plural(count, one, many))
    return ", ".join(told)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("kel.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "euros": greek.euros,
        "number": greek.number,
        "percent": greek.percent,
        "quantity": greek.quantity,
        "duration": greek.duration,
        "moment": greek.moment,
        "capitals": greek.capitals,
        "shorten": greek.shorten,
    }
    environment.globals |= {
        "change": change,
        "compared": compared,
        "plural": greek.plural,
        "spent_share": spent_share,
        "spent_told": spent_told,
        "kind_label": KIND_LABEL,
        "kind_colour": KIND_COLOUR,
        "state_label": STATE_LABEL,
    }
    return environment
