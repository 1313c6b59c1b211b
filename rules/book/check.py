"""What every rule must be true to in its city: its category, what it watches, how far it looks.

What a kind asks beyond that stands with the kind (`rules.kinds`).

Law: of a city that could be read in part, only what is certain is told: a check ends where it asks
for what could not be read (`UnreadError`).
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, NoReturn

from pydantic import BaseModel

from kel.model.city import City
from kel.model.device import Device
from kel.model.mistake import Document, Mistake, Path, UnreadError
from rules.core.entry import Entry, known_metric, unknown
from rules.core.rule import RuleShape
from rules.kinds import KINDS

KNOWN = {"zone": "zones", "feeder": "feeders", "community": "communities", "devices": "devices"}
_HOUR = timedelta(hours=1)


def check_rule(entry: Entry, city: City, rule: RuleShape | None) -> list[Mistake]:
    """All that is wrong with one rule in this city; `rule` is its shape, where it has one."""
    places = [
        m for word in ("zone", "feeder", "community") for m in certain(_place(entry, city, word))
    ]
    checks: tuple[Iterable[Mistake], ...] = (
        _category(entry, city),
        _runbook(entry, city),
        _watch(entry, city, all_places=not places),
        _when(entry, city, rule),
        _own(entry, city),
    )
    found = [*places, *(mistake for check in checks for mistake in certain(check))]
    if rule is not None:  # what the kind finds too long is not told twice
        told = {mistake.field for mistake in found}
        back = certain(_looks_back(entry, city, rule, ()))
        found += [mistake for mistake in back if mistake.field not in told]
    return found


def certain(mistakes: Iterable[Mistake]) -> Iterator[Mistake]:
    """Those that are found before something is asked of the city that could not be read."""
    try:
        yield from mistakes
    except UnreadError:
        return


def _own(entry: Entry, city: City) -> Iterator[Mistake]:
    """What the rule's kind asks."""
    cls = city.classes.get(entry.text("watch", "class") or "")
    own = KINDS.get(entry.text("kind") or "")
    if cls and own:
        try:
            watched = _watched(entry, city)
        except UnreadError:
            watched = _Unread()
        yield from own.check(entry, city, watched)


class _Unread(list[Device]):
    """Devices of a file that could not be read: whoever looks at them can tell nothing more."""

    def _refuse(self, *_: object) -> NoReturn:
        raise UnreadError

    __iter__ = __len__ = __contains__ = __getitem__ = _refuse


def _category(entry: Entry, city: City) -> Iterator[Mistake]:
    name = entry.text("category")
    if name is not None and name not in city.categories:
        yield entry.wrong(("category",), unknown("category", name, city.categories))


def _runbook(entry: Entry, city: City) -> Iterator[Mistake]:
    name = entry.text("runbook")
    if city.runbook and name is not None and name not in city.runbook:
        yield entry.wrong(("runbook",), unknown("heading of runbook.md", name, city.runbook))


def _place(entry: Entry, city: City, word: str) -> Iterator[Mistake]:
    name, known = entry.text("watch", word), getattr(city, KNOWN[word])
    if name is not None and name not in known:
        yield entry.wrong(("watch", word), unknown(word, name, known))


def _watch(entry: Entry, city: City, *, all_places: bool) -> Iterator[Mistake]:
    """`all_places`: the places that it names were all found."""
    cls = entry.text("watch", "class")
    if cls is None:
        return
    if cls not in city.classes:
        yield entry.wrong(("watch", "class"), unknown("class", cls, city.classes))
        return
    yield from known_metric(entry, city, "watch", "metric")
    wrong, of_class = not all_places, city.of_class(cls)
    devices = {d.id for d in of_class}
    for index, name in enumerate(_list(entry.get("watch", "devices"))):
        if name not in devices:
            wrong = True
            what = unknown("device", str(name), devices) + f" (of class {cls!r})"
            yield entry.wrong(("watch", "devices", index), what)
    tags = {tag for d in of_class for tag in d.tags}
    for index, name in enumerate(_tags(entry)):
        if name not in tags:
            wrong = True
            place: Path = ("watch", "tags", index) if index else ("watch", "tags")
            yield entry.wrong(place, unknown("tag", str(name), tags) + f" (of class {cls!r})")
    if not wrong and not _watched(entry, city):
        yield entry.wrong(("watch",), f"the city has no device of class {cls!r} that this takes")


def _watched(entry: Entry, city: City) -> list[Device]:
    """The devices that the rule's `watch` takes, as far as it can be read."""
    cls, devices, tags = entry.text("watch", "class"), entry.get("watch", "devices"), _tags(entry)
    zone, feeder, community = (
        entry.text("watch", word) for word in ("zone", "feeder", "community")
    )
    return [
        d
        for d in city.of_class(cls or "")
        if zone in (None, d.zone)
        and feeder in (None, d.feeder)
        and community in (None, d.community)
        and (not isinstance(devices, list) or d.id in devices)
        and d.tags.issuperset(tags)
    ]


def _tags(entry: Entry) -> list[Any]:
    told = entry.get("watch", "tags")
    return [told] if isinstance(told, str) else _list(told)


def _list(told: Any) -> list[Any]:
    return told if isinstance(told, list) else []


def _when(entry: Entry, city: City, rule: RuleShape | None) -> Iterator[Mistake]:
    """Calendars that there are, and long enough for what must last within one of their spans."""
    told = entry.get("when")
    names = [told] if isinstance(told, str) else _list(told)
    own = KINDS.get(entry.text("kind") or "")
    if names and own and not own.calendars:
        yield entry.wrong(("when",), f"a rule of kind {entry.text('kind')!r} has no calendars")
        return
    for index, name in enumerate(names):
        place: Path = ("when", index) if isinstance(told, list) else ("when",)
        calendar = city.calendars.get(name) if isinstance(name, str) else None
        if calendar is None:
            yield entry.wrong(place, unknown("calendar", str(name), city.calendars))
        elif calendar.hours:
            start, end = (timedelta(hours=t.hour, minutes=t.minute) for t in calendar.hours)
            most = (end - start) % timedelta(days=1)
            for field, path in (("for_", "for"), ("after", "after")):
                lasts = getattr(rule, field, None)
                # on one night of the year it is an hour longer
                if isinstance(lasts, timedelta) and lasts >= most + _HOUR:
                    what = f"can never hold: {name} is open for {_hours(most)} at a time"
                    yield entry.wrong((path,), what)


def _looks_back(entry: Entry, city: City, shape: BaseModel, path: Path) -> Iterator[Mistake]:
    """No time in a rule is longer than readings are kept: it could not be worked out again."""
    for name, field in type(shape).model_fields.items():
        value, place = getattr(shape, name), (*path, field.alias or name)
        if isinstance(value, BaseModel):
            yield from _looks_back(entry, city, value, place)
        elif isinstance(value, timedelta) and value > city.keep:
            what = f"is longer than readings are kept, {_hours(city.keep)} (`keep` in city.toml)"
            yield entry.wrong(place, what)


def _hours(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    return f"{hours / 24:g} days" if hours >= 48 else f"{hours:g} hours"


# what ties rules together


def check_book(rules: Mapping[Path, RuleShape], document: Document) -> Iterator[Mistake]:
    """Rules that hear others hear such as there are, and in the end not themselves.

    `rules`: by where each stands.
    """
    place = {rule.id: path for path, rule in rules.items()}
    heard = {rule.id: KINDS[rule.kind].listens(rule) for rule in rules.values()}
    done: set[str] = set()

    def walk(name: str, way: list[str]) -> Iterator[Mistake]:
        if name in way:
            circle = " → ".join([*way[way.index(name) :], name])
            where = _named(document.data, place[way[-1]], name)
            yield document.mistake(where, f"runs in a circle: {circle}")
        elif name not in done:
            for other in heard[name]:
                if other in heard:
                    yield from walk(other, [*way, name])
            done.add(name)

    for name in heard:
        yield from walk(name, [])


def _named(data: Any, path: Path, name: str) -> Path:
    """Where below `path` another rule's name stands; `path` itself where it does not."""

    def look(value: Any, at: Path) -> Path | None:
        if value == name and at != (*path, "id"):
            return at
        inner: Any = ()
        if isinstance(value, Mapping):
            inner = value.items()
        elif isinstance(value, list):
            inner = enumerate(value)
        return next((found for k, v in inner if (found := look(v, (*at, k)))), None)

    here = data
    for step in path:
        here = here[step]
    return look(here, path) or path
