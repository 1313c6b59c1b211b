"""The mayor's pages of one week: read, rendered, and put where people find them, whole or not."""

import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from psycopg import Connection

from kel.model.city import City
from kel.reports import render_html, render_pdf
from kel.store.connect import query
from kel.store.week import read_week
from rules.book.rulebook import Rulebook
from rules.core.kind import Scene
from rules.core.rows import Roster
from rules.kinds.night_flow import NightFlow, NightFlowKind

# Hours of overtime that a person may do in a half-year, by day. Assumption (after Law 4354/2015).
OVERTIME_CAP_H = 120.0

NAME = re.compile(r"(\d{4})-W(\d{2})")


@dataclass(frozen=True, slots=True)
class Pages:
    """Where a week's pages are: absolute paths."""

    html: Path
    pdf: Path


def write_pages(
    connection: Connection,
    city: City,
    moment: datetime,
    folder: Path,
    rulebook: Rulebook | None = None,
) -> Pages:
    """Write the page of the week that `moment` lies in, as HTML and PDF, into `folder`.

    What is known is what the desk has decided up to. `rulebook` says what zones may take at night;
    without it the page says nothing about night flow.
    """
    start = monday_of(moment.astimezone(ZoneInfo(city.timezone)).date())
    made_at, allowance = data_clock(connection), night_allowance(rulebook, city)
    week = read_week(connection, city, start, made_at, allowance, OVERTIME_CAP_H)
    html = render_html(week)
    stem = folder.resolve() / f"week-{name_of(start)}"
    stem.parent.mkdir(parents=True, exist_ok=True)
    return Pages(
        _put(stem.with_suffix(".html"), html.encode()),
        _put(stem.with_suffix(".pdf"), render_pdf(html)),
    )


def data_clock(connection: Connection) -> datetime:
    """The time that the desk has decided up to; before its first decision, the machine's."""
    row = connection.execute(query("desk_clock")).fetchone()
    return (row[0] if row else None) or datetime.now(UTC)


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def name_of(monday: date) -> str:
    """«2026-W43», by ISO 8601."""
    year, week, _ = monday.isocalendar()
    return f"{year}-W{week:02d}"


def week_named(name: str) -> date:
    """The Monday of «2026-W43». Raises ValueError for anything else."""
    found = NAME.fullmatch(name)
    if found is None:
        raise ValueError(f"{name!r} is no week; write year and ISO week, as in 2026-W43")
    try:
        return date.fromisocalendar(int(found[1]), int(found[2]), 1)
    except ValueError:
        raise ValueError(f"{found[1]} has no week {found[2]}") from None


def night_allowance(rulebook: Rulebook | None, city: City) -> Mapping[str, tuple[float, ...]]:
    """Zone → what its night-flow rule explains in each month, m³/h; the rule's own formula."""
    found: dict[str, tuple[float, ...]] = {}
    for rule in rulebook.rules if rulebook else ():
        if not isinstance(rule, NightFlow):
            continue
        cls = rule.watch.cls
        roster = Roster(cls, [d for d in city.devices.values() if d.cls == cls])
        scene = Scene(city, roster, roster.mask(rule.watch), {cls: roster})
        kind = NightFlowKind(rule, scene)
        for slot, device in enumerate(roster.devices):
            if kind.watched[slot] and device.zone:
                months = kind.use[slot] * kind.season + kind.leak[slot]
                found.setdefault(device.zone, tuple(map(float, months)))
    return found


def _put(path: Path, content: bytes) -> Path:
    """Write the file whole: whoever opens it meanwhile sees the old one or the new one."""
    descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(content)
        Path(partial).chmod(0o644)
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
    return path
