"""Rows of one incident's page: names beside what they say, members, steps; and moments. Pure.

Law: no row is longer than the terminal: what does not fit goes on below, in its column.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from textwrap import wrap

from rich.text import Text

from kel.model.labels import clock

MEMBER = 10  # columns of a member's id
NAME = 13  # columns of the names in the head


def course(steps: Sequence[tuple[str, datetime]], zone: tzinfo) -> str:
    """«άνοιξε 18/10 03:03 · αναγνωρίστηκε 03:07»: the day where it is another than before."""
    told, day = [], ""
    for word, at in steps:
        local = at.astimezone(zone)
        told.append(
            f"{word} {local:%H:%M}" if f"{local:%d/%m}" == day else f"{word} {clock(at, zone)}"
        )
        day = f"{local:%d/%m}"
    return " · ".join(told)


def item(name: str, told: str, width: int) -> Iterator[Text]:
    for n, line in enumerate(wrapped(told, width - NAME)):
        row = Text(f"  {'' if n else name:<{NAME - 2}}", style="dim")
        row.append(line, style="not dim")
        yield row


def lines(
    known: str, told: str, width: int, style: str = "", indent: int = MEMBER
) -> Iterator[Text]:
    for n, line in enumerate(wrapped(told, width - indent)):
        yield Text(f"{'' if n else known:<{indent}}").append(line, style=style)


def wrapped(text: str, width: int) -> list[str]:
    return wrap(text, max(width, 20), break_on_hyphens=False)


def steps(text: str, width: int) -> Iterator[str]:
    """Markdown's paragraphs and steps, each in lines of so many columns below its own beginning."""
    for part in re.split(r"\n(?! *[^\s\d*-])", text):
        plain = " ".join(part.split())
        mark = re.match(r"\d+\. |[*-] ", plain)
        indent = " " * len(mark[0]) if mark else ""
        yield from wrap(plain, width, subsequent_indent=indent, break_on_hyphens=False) or [""]
