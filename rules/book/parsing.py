"""Reading a rulebook's tables: each rule and each override as its shape, or what is wrong with it.

Laws:
- a mistake is told once, at the place in the file that it is about: what an override makes of a
  rule is told at the override, at the field that it gives;
- an override is checked with the rule that it changes, alone and together with those that meet it
  at some device;
- of a city that could be read in part, only what is certain is told (`rules.book.check`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from kel.model.city import City
from kel.model.device import Device
from kel.model.mistake import Document, Mistake, Path, UnreadError
from rules.book.check import KNOWN, certain, check_rule
from rules.book.converted import converted
from rules.book.override import FIXED, PLACES, Override, Table, is_off, merge, taking
from rules.book.wording import SHARED, known_fields, of_override, of_rule, of_shared
from rules.core.entry import Entry, unknown
from rules.core.rule import RuleShape
from rules.kinds import KINDS, RULE


@dataclass(frozen=True, slots=True)
class Read:
    """A rule; as a table in KEL's units; and as it was `written`."""

    rule: RuleShape | None
    table: Table
    written: Table


def read_rule(entry: Entry, raw: Any, city: City) -> tuple[Read, list[Mistake]]:
    """The rule of a `[[rule]]`, or the mistakes of its shape."""
    table = converted(entry.raw, _measured(entry, city))
    rule, mistakes = _validated(entry, table if isinstance(raw, Mapping) else raw)
    return Read(rule, table, entry.raw), mistakes


def _measured(entry: Entry, city: City) -> Any:
    """What is in which unit; nothing where the class, and with it the unit, could not be read."""
    spec = KINDS.get(entry.text("kind") or "")
    try:
        return list(spec.measured(entry, city)) if spec else []
    except UnreadError:
        return []


def _validated(entry: Entry, table: Any) -> tuple[RuleShape | None, list[Mistake]]:
    try:
        return RULE.validate_python(table), []
    except ValidationError as error:
        errors = error.errors()
    mistakes = [of_rule(entry.document, entry.path, e) for e in errors]
    if isinstance(table, Mapping) and errors[0]["type"].startswith("union_tag_"):
        mistakes += _whatever_its_kind(entry, table)
    return None, mistakes


def _whatever_its_kind(entry: Entry, table: Table) -> Iterator[Mistake]:
    """What is wrong with a rule of no known kind: the fields of all rules, and those of none."""
    fields = known_fields()
    for name in table:
        if name not in fields:
            yield entry.wrong((name,), unknown("field", name, fields))
    shared = {n: v for n, v in table.items() if n in SHARED}
    try:
        RuleShape.model_validate({**shared, "kind": ""})
    except ValidationError as error:
        for found in error.errors():
            yield of_shared(entry.document, entry.path, found)


# overrides


def read_overrides(
    document: Document, city: City, ids: Iterable[str], read: Mapping[str, Read]
) -> tuple[list[Override], list[Mistake]]:
    """The overrides, their changes in KEL's units, and all that is wrong with them.

    `ids`: of all rules that were written; `read`: those of them that have no mistake.
    """
    tables = document.data.get("override", [])
    if not isinstance(tables, list):
        return [], [document.mistake(("override",), "should be a list of [[override]] tables")]
    found: dict[int, Override] = {}
    mistakes: list[Mistake] = []
    for index, raw in enumerate(tables):
        path: Path = ("override", index)
        override, wrong = _override(document, path, raw, city, ids)
        if override is not None and override.rule in read and not wrong:
            override, wrong = _fits(document, path, override, read[override.rule], city)
        if override is not None and not wrong:
            found[index] = override
        mistakes += wrong
    if not mistakes:
        overrides = list(found.values())
        for name in dict.fromkeys(o.rule for o in overrides):
            if name in read:
                mistakes += certain(_met(document, overrides, read[name], city))
    return list(found.values()), mistakes


def _override(
    document: Document, path: Path, raw: Any, city: City, ids: Iterable[str]
) -> tuple[Override | None, list[Mistake]]:
    """Right in itself: a rule, places that there are, something to change."""
    try:
        override = Override.model_validate(raw)
    except ValidationError as error:
        return None, [of_override(document, path, e) for e in error.errors()]
    entry = Entry(document, path, raw)
    mistakes = [
        entry.wrong((name,), "is what the rule is, and cannot be overridden")
        for name in FIXED
        if name in raw
    ]
    if override.rule not in ids:
        mistakes.append(entry.wrong(("rule",), unknown("rule", override.rule, ids)))
    if override.level < 0:
        mistakes.append(entry.wrong((), f"names no place: {', '.join(PLACES)}"))
    if not override.changes and override.off is None:
        mistakes.append(entry.wrong((), "changes nothing"))
    for word in PLACES:
        mistakes += certain(_place(entry, override, city, word))
    return override, mistakes


def _place(entry: Entry, override: Override, city: City, word: str) -> Iterator[Mistake]:
    told, known = getattr(override, word), getattr(city, KNOWN[word])
    for index, name in enumerate(told or () if word == "devices" else (told,)):
        if name is not None and name not in known:
            at: Path = (word, index) if word == "devices" else (word,)
            yield entry.wrong(at, unknown(word.removesuffix("s"), name, known))


def _fits(
    document: Document, path: Path, override: Override, read: Read, city: City
) -> tuple[Override, list[Mistake]]:
    """Right with its rule, which has no mistake of its own."""
    assert read.rule
    mistakes = list(certain(_taken(Entry(document, path, {}), override, read.rule, city)))
    whole = Entry(document, path, merge(read.written, override.changes))
    changes = converted(override.changes, _measured(whole, city), read.written)
    made = Override(**{**_places_of(override), **changes})
    if not mistakes:
        _, mistakes = _merged(document, path, read, [made], city)
    return made, mistakes


def _taken(entry: Entry, override: Override, rule: RuleShape, city: City) -> Iterator[Mistake]:
    """Right in what it takes: devices that the rule watches, and all that it judges as one."""
    named = [(n, city.devices[name]) for n, name in enumerate(override.devices or ())]
    strange = [(n, device.id) for n, device in named if not rule.watch.takes(device)]
    for index, name in strange:
        yield entry.wrong(("devices", index), f"{rule.id} does not watch {name}")
    watched = _watched(rule, city)
    if not strange and not any(override.takes(d) for d in watched):
        yield entry.wrong((), f"takes no device that {rule.id} watches")
    yield from _splits(entry, override, rule, watched)


def _watched(rule: RuleShape, city: City) -> list[Device]:
    return [d for d in city.of_class(rule.watch.cls) if rule.watch.takes(d)]


def _places_of(override: Override) -> dict[str, Any]:
    return {name: getattr(override, name) for name in type(override).model_fields}


def _splits(
    entry: Entry, override: Override, rule: RuleShape, watched: Sequence[Device]
) -> Iterator[Mistake]:
    """What a rule judges as one is overridden as one."""
    together = KINDS[rule.kind].together
    groups: dict[str | None, set[bool]] = {}
    for device in watched:
        groups.setdefault(together(device), set()).add(override.takes(device))
    split = sorted(name for name, taken in groups.items() if name and len(taken) == 2)
    if split:
        what = f"takes a part of {split[0]}, which {rule.id} judges as one"
        yield entry.wrong((), what)


def _merged(
    document: Document, path: Path, read: Read, chosen: Sequence[Override], city: City
) -> tuple[RuleShape | None, list[Mistake]]:
    table = read.table
    for override in chosen:
        table = merge(table, override.changes)
    entry = Entry(document, path, table)
    rule, mistakes = _validated(entry, table)
    return rule, mistakes + check_rule(entry, city, rule)


def _met(
    document: Document, overrides: Sequence[Override], read: Read, city: City
) -> Iterator[Mistake]:
    """Overrides that are right alone may not be together, at a device that several take."""
    assert read.rule
    rule = read.rule
    watched = _watched(rule, city)
    for numbers in dict.fromkeys(taking(overrides, rule.id, d) for d in watched):
        chosen = [overrides[n] for n in numbers]
        if len(chosen) < 2 or is_off(chosen):
            continue
        _, mistakes = _merged(document, ("override", numbers[-1]), read, chosen, city)
        lines = ", ".join(str(document.line(("override", n))) for n in numbers[:-1])
        for mistake in mistakes:
            what = f"{mistake.what} (together with the override at line {lines})"
            yield replace(mistake, what=what)
