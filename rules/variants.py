"""A rule as it is for each device: itself, or what the city's overrides make of it there.

Laws:
- a variant is the rule with other limits, for fewer devices; it keeps the rule's id;
- each watched device belongs to exactly one variant of a rule.
"""

from rules.rows import Bool, Roster
from rules.rule import RuleShape
from rules.rulebook import Rulebook


def variants(rulebook: Rulebook, rule: RuleShape, roster: Roster) -> list[tuple[RuleShape, Bool]]:
    """The variants of `rule` among the roster's devices, with the slots that each watches."""
    del rulebook
    return [(rule, roster.mask(rule.watch))]
