"""A backtest from files: a long table or an exported folder through a city's rulebook."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kel.arrow.blame import plain
from kel.backtest.judged import judgeable, known
from kel.backtest.long import LeftOut, frames_of
from kel.backtest.replay import Replay
from kel.backtest.storage import Days, days_of
from kel.backtest.stretch import Stretch, stretches
from kel.city import read_document
from kel.model.alert import Alert
from kel.model.city import City
from kel.run.cityfiles import CityFiles
from rules.book.rulebook import Rulebook, parse_rulebook

NAMED = 5  # of what was left out, the rest is counted
Heard = Callable[[int, int, int], None]  # rows done, rows in all, the moment (µs)


def unheard(_done: int, _rows: int, _moment: int) -> None:
    """For those who do not want to know how far it is."""


@dataclass
class Past:
    """History from a file: how many rows, how they are stored, its stretches, and what is to be
    said of it.

    `notes` are complete once `run` has gone through the stretches.
    """

    rows: int
    days: Days
    stretches: Iterator[Stretch]
    notes: list[str] = field(default_factory=list)
    last_notes: Callable[[], list[str]] = list


def rulebook_of(file: Path, city: City) -> Rulebook:
    """A rulebook file of its own; raises MistakesError with every mistake."""
    return parse_rulebook(read_document(file), city)


def read_past(source: Path, city: City) -> Past:
    """The history in a file or folder; LookupError where nothing in it is of this city."""
    if source.is_dir():
        return _folder(source, city)
    from kel.arrow.long import read_long  # pyarrow is loaded by those who need it

    long = read_long(source)
    frames, left = frames_of(long, city)
    rows = sum(map(len, frames.values()))
    if not rows:
        why = "; ".join(notes_of(left)) or "it has no rows"
        raise LookupError(f"{source}: no row is of a device and metric of {city.name}: {why}")
    notes = [*_zoneless(long.zoneless, city), *notes_of(left)]
    return Past(rows, days_of(stretches(frames)), stretches(frames), notes)


def _folder(source: Path, city: City) -> Past:
    from kel.arrow.months import Months

    months = Months(source, city)
    notes = [f"classes that the city does not have: {_some(months.classes)}"]
    return Past(
        months.rows,
        months.stored,
        months.stretches(),
        notes if months.classes else [],
        lambda: _strangers(months.strangers),
    )


def run(past: Past, files: CityFiles, heard: Heard = unheard) -> list[Alert]:
    """The alerts of all of it that it can judge, as they were at the end, in order of detection."""
    judged = judgeable([files.rulebook], files.city, past.days)
    replay = Replay(judged.books[0], files.city)
    done = 0
    for stretch in past.stretches:
        replay.feed(stretch)
        done += len(stretch)
        heard(done, past.rows, stretch.last)
    past.notes += [*past.last_notes(), *judged.notes]
    return known(replay.alerts, past.days)


def notes_of(left: LeftOut) -> list[str]:
    """What was left out of a table, or put right in it, a line each."""
    notes = _strangers(left.strangers)
    for why, counts in (("not of the device's class", left.metrics), ("out of range", left.range)):
        if counts:
            named = [f"{cls}.{plain(metric)} {n:,}×" for (cls, metric), n in counts.most_common()]
            notes.append(f"{counts.total():,} values {why}: {_some(named)}")
    if left.empty:
        notes.append(f"{left.empty:,} rows without any value to judge")
    if left.joined:
        notes.append(
            f"{left.joined:,} rows joined to others of the same device and time; of two values the "
            "first stays"
        )
    if left.disordered:
        notes.append(f"not in order of time ({left.disordered:,} rows): all of it was sorted")
    return notes


def _strangers(counts: dict[str, int]) -> list[str]:
    if not counts:
        return []
    named = [f"{plain(name)} {n:,}×" for name, n in sorted(counts.items(), key=lambda c: -c[1])]
    rows = f"{sum(counts.values()):,} rows"
    return [f"{rows} of {len(counts):,} devices that the city does not have: {_some(named)}"]


def _zoneless(count: int, city: City) -> list[str]:
    told = f"{count:,} times without an offset were taken as UTC, not as {city.timezone}"
    return [told] if count else []


def _some(names: list[str]) -> str:
    more = f", and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
