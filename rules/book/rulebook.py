"""The rulebook: a city's rules and overrides, checked against the city, with one version.

Laws:
- a rulebook is whole or it is not: any mistake refuses it, and all mistakes are told at once;
- its version is the hash of its content, the calendars' wording included: the same rules in another
  order are the same rulebook; the order of overrides counts, since the later beats the earlier.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from kel.model.city import City
from kel.model.device import Device
from kel.model.mistake import Document, Mistake, MistakesError, Path
from rules.book.check import check_book, check_rule
from rules.book.override import Override, Table, is_off, merge, taking
from rules.book.parsing import Read, read_overrides, read_rule
from rules.core.entry import Entry, unknown
from rules.core.rule import RuleShape, digest
from rules.kinds import RULE

TABLES = ("rule", "override")


@dataclass(frozen=True)
class Rulebook:
    """`version`: twelve hex digits of a SHA-256 over the canonical content of all of it.

    `tables`: the rules that are overridden as tables, in KEL's units, by id; so are the changes of
    `overrides`.
    """

    version: str
    rules: tuple[RuleShape, ...]
    overrides: tuple[Override, ...] = ()
    tables: Mapping[str, Table] = field(default_factory=dict, repr=False)
    _made: dict[Any, RuleShape | None] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @cached_property
    def by_id(self) -> Mapping[str, RuleShape]:
        return {rule.id: rule for rule in self.rules}

    def at(self, rule: RuleShape, device: Device) -> RuleShape | None:
        """The rule as it is for the device; None where it is switched off."""
        if not self.overrides:
            return rule
        key = rule.id, taking(self.overrides, rule.id, device)
        if key not in self._made:
            self._made[key] = self._make(*key)
        return self._made[key]

    def _make(self, rule: str, numbers: tuple[int, ...]) -> RuleShape | None:
        if not numbers:
            return self.by_id[rule]
        chosen = [self.overrides[n] for n in numbers]
        if is_off(chosen):
            return None
        table = self.tables[rule]
        for override in chosen:
            table = merge(table, override.changes)
        return RULE.validate_python(table)


def make_rulebook(
    rules: Sequence[RuleShape],
    overrides: Sequence[Override] = (),
    tables: Mapping[str, Table] | None = None,
    city: City | None = None,
) -> Rulebook:
    """The rulebook of what was checked. `city` has the calendars that its version includes."""
    content: Any = sorted((rule.content for rule in rules), key=lambda rule: str(rule["id"]))
    calendars = city.calendars if city else {}
    if overrides or calendars:
        content = {
            "rules": content,
            "overrides": [o.model_dump(mode="json", exclude_none=True) for o in overrides],
            "calendars": {name: _said(calendars[name]) for name in sorted(calendars)},
        }
    return Rulebook(digest(content), tuple(rules), tuple(overrides), tables or {})


def _said(calendar: Any) -> Table:
    """What decides of a calendar, as plain values."""
    plain: dict[str, Any] = {}
    for name, value in asdict(calendar).items():
        if name in ("id", "label") or value in (None, ()):
            continue
        if name == "hours":
            value = [clock.isoformat() for clock in value]
        plain[name] = sorted(value) if isinstance(value, frozenset) else value
    return plain


def parse_rulebook(document: Document, city: City) -> Rulebook:
    """The rulebook that `document` says, for `city`. Raises `MistakesError` with every mistake."""
    rules, overrides, read, mistakes = _parse(document, city)
    if mistakes:
        raise MistakesError(mistakes)
    overridden = {o.rule: read[o.rule].table for o in overrides}
    return make_rulebook(rules, overrides, overridden, city)


def rulebook_mistakes(document: Document, city: City) -> list[Mistake]:
    """What is wrong with the rulebook for certain, of a city that may be read in part alone."""
    return _parse(document, city)[-1]


def _parse(
    document: Document, city: City
) -> tuple[list[RuleShape], list[Override], dict[str, Read], list[Mistake]]:
    mistakes = [
        document.mistake((name,), unknown("field", name, TABLES))
        for name in document.data
        if name not in TABLES
    ]
    tables = document.data.get("rule")
    if not isinstance(tables, list) or not tables:
        mistakes.append(document.mistake(("rule",), "there must be at least one [[rule]]"))
        return [], [], {}, mistakes
    read: dict[str, Read] = {}
    rules: list[RuleShape] = []
    ids: dict[str, Path] = {}
    for index, raw in enumerate(tables):
        path: Path = ("rule", index)
        entry = Entry(document, path, raw if isinstance(raw, Mapping) else {})
        found, wrong = read_rule(entry, raw, city)
        if isinstance(raw, Mapping):
            if isinstance(name := raw.get("id"), str):
                wrong += _same_id(document, path, name, ids.setdefault(name, path))
            wrong += check_rule(Entry(document, path, found.table), city, found.rule)
        mistakes += wrong
        if found.rule is not None:
            rules.append(found.rule)
            if not wrong:
                read[found.rule.id] = found
    mistakes += check_book({ids[r.id]: r for r in rules if r.id in ids}, document)
    overrides, wrong = read_overrides(document, city, ids, read)
    return rules, overrides, read, mistakes + wrong


def _same_id(document: Document, path: Path, name: str, first: Path) -> list[Mistake]:
    if first == path:
        return []
    line = document.line((*first, "id"))
    return [document.mistake((*path, "id"), f"{name!r} is also the id of the rule at line {line}")]
