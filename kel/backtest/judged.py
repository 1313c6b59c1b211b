"""What of rulebooks a stored history can judge, and what a reader must know of it. Pure.

Law: the same for a database, an export and a file: what history cannot tell is left out and named,
never guessed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from kel.backtest.memory import classes_of, left_out
from kel.backtest.notes import absent_note, coarser_note, left_out_note
from kel.backtest.storage import Days, Thin, thin_spans
from kel.model.alert import Alert
from kel.model.city import City
from rules.book.rulebook import Rulebook


@dataclass(frozen=True, slots=True)
class Judged:
    """The rulebooks without the rules `out`, which would judge the storage, and what is to be said.

    What one of them has to leave out is left out of all: they are compared.
    """

    books: Sequence[Rulebook]
    out: frozenset[str]
    notes: Sequence[str]


def judgeable(books: Sequence[Rulebook], city: City, days: Days) -> Judged:
    """What of the rulebooks a history that is stored so can judge."""
    thin = thin_spans(city, days)
    out: dict[str, Thin] = {}
    for book in books:
        out |= left_out(book, city, thin)
    judged = [replace(b, rules=tuple(r for r in b.rules if r.id not in out)) for b in books]
    watched = sorted({cls for book in books for rule in book.rules for cls in classes_of(rule)})
    notes = absent_note(city, [cls for cls in watched if not days.get(cls)])
    notes += left_out_note(city, out)
    return Judged(judged, frozenset(out), [*notes, *coarser_note(city, judged, thin)])


def changed_rules(before: Rulebook, after: Rulebook) -> list[str]:
    """The rules that are new, gone, or other than before, also where an override is."""
    said = [
        {rule.id: (rule, [o for o in book.overrides if o.rule == rule.id]) for rule in book.rules}
        for book in (before, after)
    ]
    return sorted(
        rule for rule in said[0].keys() | said[1].keys() if said[0].get(rule) != said[1].get(rule)
    )


def known(alerts: Iterable[Alert], days: Days) -> list[Alert]:
    """Those about a class that history has readings of: of another, nobody can tell a silence."""
    return [alert for alert in alerts if days.get(alert.evidence.cls)]
