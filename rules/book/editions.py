"""What an edit of a rulebook changed: its rules, overrides and calendars, by their names. Pure.

Law: what is said decides, not how it is written: comments, order and blanks are no change.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from tomllib import loads
from typing import Any

from rules.book.override import PLACES


@dataclass(frozen=True, slots=True)
class Edit:
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]


def edit(before: Mapping[str, str] | None, now: Mapping[str, str]) -> Edit:
    """From one rulebook's texts to the next one's; from none where it is the first.

    The texts (TOML) by name, such as `rules` and `calendars`.
    """
    old = dict(_parts(before)) if before else {}
    new = dict(_parts(now))
    return Edit(
        tuple(sorted(new.keys() - old.keys())),
        tuple(sorted(name for name in new.keys() & old.keys() if new[name] != old[name])),
        tuple(sorted(old.keys() - new.keys())),
    )


def _parts(texts: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """Each rule, override and calendar by a name that nothing else has."""
    seen: dict[str, int] = {}
    for text in texts.values():
        data = loads(text)
        for word in ("rule", "override", "calendar"):
            for table in data.get(word, []):
                name = _name(word, table)
                count = seen[name] = seen.get(name, 0) + 1
                yield (name if count == 1 else f"{name} ({count})"), table


def _name(word: str, table: Mapping[str, Any]) -> str:
    if word == "rule":
        return str(table.get("id"))
    if word == "calendar":
        return f"calendar {table.get('id')}"
    places = [table[place] for place in PLACES if place in table]
    said = " ".join(" ".join(p) if isinstance(p, list) else str(p) for p in places)
    return f"{table.get('rule')} at {said}"
