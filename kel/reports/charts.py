"""The page's two column charts, drawn as inline SVG.

Laws: nothing but text, lines and rectangles, so that the same figures give the same bytes in
every version and on every machine; text stays text; a chart without figures is no chart («»);
everything that a colour says is also said in words near it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from markupsafe import Markup, escape

from kel.model.cost import CostKind
from kel.reports import greek
from kel.reports.week import DayCost, WeekCost
from kel.reports.words import KIND_COLOUR

WIDTH, HEIGHT = 360, 110
TOP, BOTTOM = 16, 18
INK = "#4a5560"
DASHED = ' stroke-dasharray="3 3"'
LETTER = 6.2  # room for one figure of a value, generously
NOW, NOW_LIGHT, PAST, PAST_LIGHT = "#1f4e79", "#7fa6cc", "#8d99a6", "#ccd4dc"
FONT = 'font-family="Noto Sans, DejaVu Sans Condensed, DejaVu Sans, sans-serif"'


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a column, from the bottom up."""

    value: float
    colour: str


@dataclass(frozen=True, slots=True)
class Column:
    label: str
    parts: tuple[Part, ...]
    strong: bool = False
    entry: UUID | None = None

    @property
    def total(self) -> float:
        return sum(p.value for p in self.parts)


def days_chart(days: Sequence[DayCost]) -> Markup:
    """A column a day, stacked by kind of cost, in euros."""
    columns = [
        Column(
            greek.short_day(day.day),
            tuple(
                Part(_height(day.kinds[kind]), KIND_COLOUR[kind])
                for kind in CostKind
                if kind in day.kinds
            ),
            entry=day.entry,
        )
        for day in sorted(days, key=lambda d: d.day)
    ]
    told = "; ".join(
        f"{c.label}: {greek.euros(_sum(d))}"
        for c, d in zip(columns, sorted(days, key=lambda d: d.day), strict=True)
    )
    return _chart(columns, f"Κόστος ανά ημέρα. {told}")


def weeks_chart(weeks: Sequence[WeekCost], mean: Decimal | None) -> Markup:
    """A column a week, management below and cash above, this week strong, with the mean's line."""
    ordered = sorted(weeks, key=lambda w: w.start)
    columns = []
    for week in ordered:
        now = week is ordered[-1]
        columns.append(
            Column(
                greek.day_of_month(week.start),
                (
                    Part(_height(week.cost.management), NOW_LIGHT if now else PAST_LIGHT),
                    Part(_height(week.cost.cash), NOW if now else PAST),
                ),
                strong=now,
                entry=week.cost.entry,
            )
        )
    told = "; ".join(
        f"εβδομάδα από {c.label}: {greek.euros(w.cost.total)}"
        for c, w in zip(columns, ordered, strict=True)
    )
    return _chart(columns, f"Κόστος ανά εβδομάδα. {told}", mean)


def _height(amount: Decimal) -> float:
    """A column cannot hang below its line: what a correction took back shows in the words."""
    return max(float(amount), 0.0)


def _sum(day: DayCost) -> Decimal:
    return sum(day.kinds.values(), Decimal(0))


def _chart(columns: Sequence[Column], title: str, mean: Decimal | None = None) -> Markup:
    highest = max((c.total for c in columns), default=0.0)
    if highest <= 0:
        return Markup("")
    scale = (HEIGHT - TOP - BOTTOM) / max(highest, float(mean or 0))
    step = WIDTH / len(columns)
    wide = min(step * 0.62, 44.0)
    shapes = [
        _column(c, (i + 0.5) * step, wide, scale, HEIGHT - BOTTOM) for i, c in enumerate(columns)
    ]
    base = _line(HEIGHT - BOTTOM, "")
    line = _line(HEIGHT - BOTTOM - float(mean) * scale, DASHED) if mean else ""
    # Safe: every text in it is escaped, the rest are numbers and the constants above.
    return Markup(  # noqa: S704
        f'<svg class="chart" role="img" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'xmlns="http://www.w3.org/2000/svg" {FONT} font-size="10">'
        f"<title>{escape(title)}</title>{line}{''.join(shapes)}{base}</svg>"
    )


def _column(column: Column, middle: float, wide: float, scale: float, floor: float) -> str:
    shapes, top = [], floor
    for part in column.parts:
        tall = part.value * scale
        if tall <= 0:
            continue
        top -= tall
        shapes.append(
            f'<rect x="{middle - wide / 2:.1f}" y="{top:.1f}" width="{wide:.1f}" '
            f'height="{tall:.1f}" fill="{part.colour}"/>'
        )
    weight = ' font-weight="bold"' if column.strong else ""
    value = _short(column.total)
    shapes.append(_ground(middle, top - 13, len(value) * LETTER))
    shapes.append(_text(middle, top - 4, value, weight))
    shapes.append(_text(middle, floor + 13, column.label, weight))
    traced = f' data-entry="{column.entry}"' if column.entry else ""
    return f"<g{traced}>{''.join(shapes)}</g>"


def _short(value: float) -> str:
    """Whole euros; millions from ten millions on, so that neighbours do not touch."""
    return greek.quantity(value / 1e6, "εκ.", 1) if value >= 1e7 else greek.number(value)


def _ground(x: float, y: float, wide: float) -> str:
    """White behind a figure, so that the mean's line does not strike it through."""
    return (
        f'<rect x="{x - wide / 2:.1f}" y="{y:.1f}" width="{wide:.1f}" height="11.5" fill="#fff"/>'
    )


def _text(x: float, y: float, text: str, weight: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" fill="{INK}"{weight}>'
        f"{escape(text)}</text>"
    )


def _line(y: float, dash: str) -> str:
    return (
        f'<line x1="0" y1="{y:.1f}" x2="{WIDTH}" y2="{y:.1f}" stroke="{INK}" '
        f'stroke-width="0.8"{dash}/>'
    )
