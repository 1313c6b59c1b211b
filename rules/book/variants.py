"""A rule as it is for each device: itself, or what the city's overrides make of it there.

Laws:
- a variant is the rule with other limits, for fewer devices; it keeps the rule's id;
- each watched device belongs to exactly one variant of a rule, or to none where it is switched off;
- devices for which all is the same that decides (`RuleShape.key`) share a variant: an edit of one
  override leaves the state of all other devices where it was.
"""

import numpy as np

from rules.book.rulebook import Rulebook
from rules.core.rows import Bool, Roster
from rules.core.rule import RuleShape


def variants(rulebook: Rulebook, rule: RuleShape, roster: Roster) -> list[tuple[RuleShape, Bool]]:
    """The variants of `rule` among the roster's devices, with the slots that each watches."""
    watched = roster.mask(rule.watch)
    if all(override.rule != rule.id for override in rulebook.overrides):
        return [(rule, watched)]
    found: dict[str, tuple[RuleShape, Bool]] = {}
    for slot in np.flatnonzero(watched).tolist():
        own = rulebook.at(rule, roster.devices[slot])
        if own is not None:
            _, mask = found.setdefault(own.key, (own, np.zeros(len(roster), np.bool_)))
            mask[slot] = True
    return list(found.values())
