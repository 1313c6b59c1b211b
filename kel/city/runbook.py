"""`runbook.md`: what an operator does first, by headings that rules and categories name.

Laws:
- a heading is `## id: title`, or `## id`; what stands above the first one is for whoever edits it;
- where the file stands in the folder, every name leads to a heading of it that says something; a
  city that keeps its runbook elsewhere has no file, and its names are then its own affair.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from kel.city.files import Files
from kel.city.records import suggest
from kel.city.text_file import read_text
from kel.model.mistake import Mistake, MistakesError
from kel.model.runbook import Heading

FILE = "runbook.md"
HEADING = re.compile(r"^## *(?P<id>[^\s:]*):? *(?P<title>.*)$")
ID = re.compile(r"[a-z0-9]+([_-][a-z0-9]+)*")


def read_runbook(folder: Path) -> tuple[Mapping[str, Heading], list[Mistake]]:
    """The headings by id, empty where there is no file, and what is wrong with the file."""
    file = folder / FILE
    if not file.exists():
        return {}, []
    try:
        lines = read_text(file).splitlines()
    except MistakesError as error:
        return {}, error.mistakes
    at = [(n, match) for n, line in enumerate(lines) if (match := HEADING.match(line))]
    found: dict[str, Heading] = {}
    mistakes = [] if at else [Mistake(file.as_posix(), 0, "file", "there must be a ## heading")]
    for (line, match), end in zip(at, [*(n for n, _ in at), len(lines)][1:], strict=True):
        id_, text = match["id"], "\n".join(lines[line + 1 : end]).strip()
        wrong = _wrong(id_, text, id_ in found)
        if wrong:
            mistakes.append(Mistake(file.as_posix(), line + 1, id_ or "heading", wrong))
        found.setdefault(id_, Heading(id_, match["title"].strip() or id_, text))
    return found, mistakes


def _wrong(id_: str, text: str, twice: bool) -> str | None:
    if not ID.fullmatch(id_):
        return "a heading is `## id: title`, its id of a–z, 0–9, - and _"
    if twice:
        return "stands here twice"
    return None if text else "says nothing: write what to do first"


def check_runbook(files: Files, runbook: Mapping[str, Heading]) -> Iterator[Mistake]:
    """Categories whose runbook leads nowhere; those of rules are checked with the rules."""
    for category in files.categories.found if runbook else ():
        name = category.entry.runbook
        if name not in runbook:
            what = f"{FILE} has no heading {name}{suggest(name, frozenset(runbook))}"
            yield category.record.mistake(("runbook",), what)
