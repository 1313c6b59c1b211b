"""What an edit of a rulebook changed: its rules, overrides and calendars, by their names. Pure.

Law: what is said decides, not how it is written: comments, order and blanks are no change.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from tomllib import loads
from typing import Any

from rules.book.override import PLACES

SHOWN = 6  # names in a line


@dataclass(frozen=True, slots=True)
class Edit:
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]

    def __str__(self) -> str:
        """«+added, added  ~changed  -removed», a few of each by name."""
        said = (("+", self.added), ("~", self.changed), ("-", self.removed))
        return "  ".join(f"{s}{_few(names)}" for s, names in said if names) or "wording alone"


def _few(names: tuple[str, ...]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


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


def sizes(texts: Mapping[str, str]) -> str:
    """«48 rules, 1 override, 6 calendars»: how much one rulebook says."""
    data = [loads(text) for text in texts.values()]
    counts = {w: sum(len(d.get(w, [])) for d in data) for w in ("rule", "override", "calendar")}
    return ", ".join(f"{n} {word}{'s' * (n != 1)}" for word, n in counts.items())


def taken_up(
    version: str,
    now: Mapping[str, str],
    before: tuple[str, Mapping[str, str]] | None,
    who: str | None,
) -> str:
    """What a log says when a rulebook's `version` comes into use, after `before`, its version and
    texts; `who` loaded it, where that is known."""
    by = f", loaded by {who}" if who else ""
    if before is None:
        return f"rulebook {version} is the first one: {sizes(now)}{by}"
    if before[0] == version:
        return f"rulebook {version} is in use: {sizes(now)}{by}"
    changes = edit(before[1], now)
    told = (f"{len(getattr(changes, w))} {w}" for w in ("added", "changed", "removed"))
    return f"rulebook {version} is taken up after {before[0]}: {', '.join(told)}: {changes}{by}"


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
