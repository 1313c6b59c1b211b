"""How far back a rulebook remembers, and what it can be asked on history as it is stored.

Laws:
- rules are warmed up for as long as the longest span that any of them names, a day at the least;
- where history is stored coarser than a span that a rule looks at (a silence, a window, how fresh a
  reading must be), the rule would judge the storage, not the city: it is left out with those that
  listen to it, and named. How long something must hold is no such span: the last value holds;
- where it is stored coarser than devices report, a rule is judged, and it is told.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from pydantic import BaseModel

from kel.backtest.storage import Thin
from kel.model.city import City
from rules.book.rulebook import Rulebook
from rules.core.rule import RuleShape
from rules.kinds import KINDS

LEAST = timedelta(days=1)
HELD = frozenset({"for_"})  # fields that say how long something must hold
SPANS = {"days": timedelta(days=1), "nights": timedelta(days=1), "weeks": timedelta(weeks=1)}


def memory_of(rulebook: Rulebook, city: City) -> timedelta:
    """The longest span that any rule names, also where it is overridden."""
    forms = (form for rule in rulebook.rules for form in forms_of(rulebook, rule, city))
    return max([LEAST, *(span for form in forms for _, span in _spans_of(form))])


def forms_of(rulebook: Rulebook, rule: RuleShape, city: City) -> list[RuleShape]:
    """The rule as it is written, and as overrides make it for devices of the city."""
    forms = [rule]
    for device in city.devices.values() if rulebook.overrides else ():
        form = rulebook.at(rule, device) if rule.watch.takes(device) else None
        if form is not None and all(form is not known for known in forms):
            forms.append(form)
    return forms


def _spans_of(rule: RuleShape) -> Iterator[tuple[str, timedelta]]:
    """Every span that the rule's kind is told, with the name of its field."""
    for name in type(rule).model_fields.keys() - RuleShape.model_fields.keys():
        yield from _spans(getattr(rule, name), name)


def _spans(value: Any, name: str) -> Iterator[tuple[str, timedelta]]:
    if isinstance(value, timedelta):
        yield name, value
    elif isinstance(value, BaseModel):
        for below in type(value).model_fields:
            yield from _spans(getattr(value, below), below)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _spans(item, str(key))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _spans(item, name)
    elif isinstance(value, int) and not isinstance(value, bool):
        for word, unit in SPANS.items():
            if name == word or name.endswith(f"_{word}"):
                yield name, value * unit


def left_out(rulebook: Rulebook, city: City, thin: Sequence[Thin]) -> dict[str, Thin]:
    """The rules that would judge the gaps of the storage, each with the span that forbids it."""
    found: dict[str, Thin] = {}
    for rule in rulebook.rules if thin else ():
        forms = forms_of(rulebook, rule, city)
        looks = [span for f in forms for name, span in _spans_of(f) if name not in HELD and span]
        for span in thin:
            if span.cls in classes_of(rule) and looks and min(looks) <= span.spacing:
                found[rule.id] = span
    while more := {
        rule.id: found[heard]
        for rule in rulebook.rules
        for heard in KINDS[rule.kind].listens(rule)
        if heard in found and rule.id not in found
    }:
        found |= more
    return found


def judged_coarser(rulebook: Rulebook, city: City, thin: Sequence[Thin]) -> dict[str, list[str]]:
    """Class → the rules that are judged on coarser readings than live."""
    out = left_out(rulebook, city, thin)
    found: dict[str, list[str]] = {}
    for cls in dict.fromkeys(span.cls for span in thin):
        rules = [r.id for r in rulebook.rules if cls in classes_of(r) and r.id not in out]
        if rules:
            found[cls] = rules
    return found


def classes_of(rule: RuleShape) -> tuple[str, ...]:
    """The classes whose rows a rule is given."""
    return (rule.watch.cls, *KINDS[rule.kind].classes(rule))
