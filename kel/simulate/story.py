"""The story: a day of the city as data (`story.toml`), and how its history was like.

Laws:
- times of day are local, on the story's date; the day runs from midnight to midnight;
- a mistake in the file is told with file, line and field, all mistakes at once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from kel.city import read_document
from kel.city.records import Record, suggest, validate
from kel.model.city import City
from kel.model.mistake import Document, Mistake, MistakesError
from kel.model.mistake import Path as Keys
from kel.model.moment import from_us, to_us
from kel.model.place import Point
from kel.simulate import causes
from kel.simulate.bad import Bad
from kel.simulate.ground import beside
from kel.simulate.story_entries import (
    MODELS,
    BadEntry,
    CauseEntry,
    Entry,
    HistoryEntry,
    ReportEntry,
    StoryEntry,
    TroubleEntry,
)
from kel.simulate.troubles import Kind, Report, Trouble

T = TypeVar("T", bound=Entry)


@dataclass(frozen=True, slots=True)
class History:
    """How the weeks before the story are made. `found_after`: a trouble that no crew mended is
    found and ended by others then."""

    days: int
    found_after: timedelta
    causes: tuple[CauseEntry, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """A day of troubles, the bad messages in it, and the history before it."""

    date: date
    seed: int
    start: datetime  # UTC
    end: datetime
    history_start: datetime
    troubles: tuple[Trouble, ...]
    bad: tuple[Bad, ...]
    history: History


def read_story(path: Path, city: City) -> Story:
    """The story of a file. Raises `MistakesError` with everything that is wrong with it."""
    return story_of(read_document(path), city)


def story_of(document: Document, city: City) -> Story:
    """The story of a document that was read. Raises `MistakesError`."""
    reader = _Reader(document, city)
    whole = reader.entry(StoryEntry, document.data, ())
    history = reader.history(whole.history) if whole else None
    troubles = list(reader.troubles(whole.trouble)) if whole else []
    bad = list(reader.list(BadEntry, whole.bad, ("bad",))) if whole else []
    if reader.mistakes or whole is None or history is None:
        raise MistakesError(reader.mistakes)
    day = _Day(whole.date, ZoneInfo(city.timezone))
    return Story(
        whole.date,
        whole.seed,
        from_us(day.at(time(0))),
        from_us(day.shifted(1).at(time(0))),
        from_us(day.shifted(-history.days).at(time(0))),
        tuple(day.trouble(city, entry) for entry in troubles),
        tuple(sorted((Bad(day.at(b.at), b.fault) for b in bad), key=lambda b: b.at_us)),
        history,
    )


class _Reader:
    """Reads tables into entries; every mistake is kept, none raised."""

    def __init__(self, document: Document, city: City) -> None:
        self.document, self.city = document, city
        self.mistakes: list[Mistake] = []

    def entry(self, model: type[T], raw: Any, at: Keys) -> T | None:
        found, mistakes = validate(model, Record(raw, self.document, at))
        self.mistakes += mistakes
        return found.entry if found else None

    def list(self, model: type[T], raw: Sequence[Any], at: Keys) -> Iterator[T]:
        for i, table in enumerate(raw):
            entry = self.entry(model, table, (*at, i))
            if entry is not None:
                yield entry

    def history(self, raw: Any) -> History | None:
        entry = self.entry(HistoryEntry, raw, ("history",))
        if entry is None:
            return None
        at = ("history", "cause")
        causes = [self.entry(CauseEntry, raw, (*at, i)) for i, raw in enumerate(entry.cause)]
        for i, cause in enumerate(causes):
            if cause is not None:
                self._check(cause, (*at, i))
        return History(entry.days, entry.found_after, tuple(c for c in causes if c is not None))

    def troubles(self, raw: Sequence[Any]) -> Iterator[TroubleEntry]:
        seen: set[str] = set()
        for i, table in enumerate(raw):
            at = ("trouble", i)
            kind = str(table.get("kind"))
            if kind not in MODELS:
                self._tell(
                    (*at, "kind"), f"there is no kind {kind}" + suggest(kind, frozenset(MODELS))
                )
                continue
            entry = self.entry(MODELS[kind], table, at)
            if entry is None:
                continue
            if entry.id in seen:
                self._tell((*at, "id"), f"{entry.id} stands there twice")
            seen.add(entry.id)
            self._check(entry, at)
            yield entry

    def _check(self, entry: TroubleEntry | CauseEntry, at: Keys) -> None:
        for field, name, known in entry.names(self.city):
            if not known:
                path = tuple(int(p) if p.isdigit() else p for p in field.split("."))
                self._tell((*at, *path), f"the city has no {path[-1]} {name}")

    def _tell(self, path: Keys, what: str) -> None:
        self.mistakes.append(self.document.mistake(path, what))


@dataclass(frozen=True, slots=True)
class _Day:
    """A calendar day of the city."""

    date: date
    zone: ZoneInfo

    def at(self, clock: time) -> int:
        return to_us(datetime.combine(self.date, clock, self.zone).astimezone(UTC))

    def shifted(self, days: int) -> "_Day":
        return _Day(self.date + timedelta(days=days), self.zone)

    def trouble(self, city: City, entry: TroubleEntry) -> Trouble:
        bare = causes.bare(entry.id, Kind(entry.kind), self.at(entry.at), entry.ramp)
        trouble = entry.cause(city, bare)
        reports = (self._report(trouble, i, r) for i, r in enumerate(entry.reports))
        return replace(trouble, reports=tuple(reports))

    def _report(self, trouble: Trouble, i: int, entry: ReportEntry) -> Report:
        place = beside(trouble.place, 30.0 + 25.0 * i, -15.0 - 20.0 * i)
        if entry.lat is not None and entry.lon is not None:
            place = Point(entry.lat, entry.lon)
        return Report(self.at(entry.at), entry.category, entry.text, place, trouble.community)
