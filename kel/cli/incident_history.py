"""All that happened to one incident, for a terminal. Pure.

Law: what happened many times over in a row is one line with its count, as in `kel trace`; `unfold`
has every event.
"""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from itertools import groupby

from rich.text import Text

from kel.cli.incident_rows import wrapped
from kel.cli.incident_table import short
from kel.cli.listing import GAP, counted
from kel.model.incident import IncidentEvent
from kel.model.labels import EVENT_LABEL, clock
from kel.reports.trace import sameness


def lines_of(
    events: Sequence[IncidentEvent],
    width: int,
    zone: tzinfo,
    crews: Mapping[str, str],
    *,
    unfold: bool = False,
) -> list[Text]:
    """The events, in their order; a reason that is long goes on below itself."""
    groups = [[e] for e in events] if unfold else [list(g) for _, g in groupby(events, sameness)]
    rows = [
        (
            clock(e.at, zone),
            EVENT_LABEL.get(e.what, e.what),
            short(crews.get(e.who, e.who)),
            _why(same, zone),
        )
        for same in groups
        for e in same[:1]
    ]
    head = ("Πότε", "Τι", "Ποιος", "Γιατί")
    widths = [
        max(map(len, column)) for column in zip(*(row[:3] for row in [head, *rows]), strict=True)
    ]
    lines: list[Text] = []
    for row in [head, *rows]:
        left = GAP.join(f"{cell:<{w}}" for cell, w in zip(row[:3], widths, strict=True)) + GAP
        for n, why in enumerate(wrapped(row[3], width - len(left)) or [""]):
            line = f"{' ' * len(left) if n else left}{why}".rstrip()
            lines.append(Text(line, style="" if lines else "dim"))
    return lines


def _why(same: Sequence[IncidentEvent], zone: tzinfo) -> str:
    """«το εξηγεί: Γραμμή 3 ×52, ως 18/10 22:40»: of several reasons the first, and how many."""
    first, last = same[0], same[-1]
    if len(same) == 1:
        return first.why
    whys = len({e.why for e in same})
    more = f" και {counted(whys - 1, 'άλλη αιτία', 'άλλες αιτίες')}" if whys > 1 else ""
    until = clock(last.at, zone)
    return f"{first.why}{more} ×{len(same)}" + (f", ως {until}" if last.at != first.at else "")
