"""The demo's screen: live on a terminal, plain lines elsewhere, a table at the end.

All of it goes to stderr, so that stdout carries what a program reads.
"""

import logging
import sys
from datetime import datetime
from typing import TextIO
from zoneinfo import ZoneInfo

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from kel.model.labels import EVENT_LABEL
from kel.run.demo import Moment, Result
from kel.store.story import News

ATHENS = ZoneInfo("Europe/Athens")
COLOUR = ("white", "cyan", "yellow", "dark_orange", "bold red")
MOST = 40  # lines of news that a tall terminal shows
FRAME = 4  # lines and columns that are not for what is told


class Screen:
    """Shows a demo. `quiet` keeps all of it to itself."""

    def __init__(self, quiet: bool = False, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, quiet=quiet)
        self._live: Live | None = None
        self._news: list[News] = []

    def __enter__(self) -> "Screen":
        if self._console.is_terminal:
            # drawn when there is something new, not by a clock: a still picture does not flicker
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            before = sys.stderr
            self._live.start()
            _move_logs(before, sys.stderr)  # the live screen's now: logs go above the picture
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            during = sys.stderr
            self._live.stop()
            _move_logs(during, sys.stderr)

    def tell(self, line: str) -> None:
        """A line about the set-up, above everything."""
        self._console.print(line, style="dim", highlight=False, soft_wrap=True)

    def show(self, moment: Moment) -> None:
        """The story's present state."""
        self._news = [*self._news, *moment.news][-MOST:]
        if self._live:
            self._live.update(self._picture(moment), refresh=True)
            return
        for news in moment.news:
            self._console.print(_line(news), highlight=False, soft_wrap=True)
        if _clock(moment.now).endswith("00"):
            told = f"{_clock(moment.now)}  {' · '.join(_counts(moment))}"
            self._console.print(told, style="dim", highlight=False, soft_wrap=True)

    def end(self, result: Result) -> None:
        """What it came to. Paths stand alone in their lines, uncut, to be copied."""
        self._console.print(summary(result))
        for name, value in (
            ("Εβδομαδιαία σύνοψη", result.pages.pdf),
            ("", result.pages.html),
            ("Από πού βγαίνει ένα ποσό", ".venv/bin/kel trace largest"),
        ):
            self._console.print(f" {name:<26}{value}", highlight=False, soft_wrap=True)

    def _picture(self, moment: Moment) -> RenderableType:
        """Never taller than the terminal, each piece of news on one line of it."""
        head = Table.grid(expand=True)
        head.add_column(width=7)
        head.add_column(ratio=1)
        head.add_row(Text(_clock(moment.now), style="bold"), ProgressBar(100, moment.share * 100))
        counts = _counts(moment)
        told = [" · ".join(counts)]
        if cell_len(told[0]) > self._console.width - FRAME:
            told = [" · ".join(counts[:3]), " · ".join(counts[3:])]
        room = self._console.height - len(told) - FRAME
        news = [_line(n) for n in self._news[-max(room, 1) :]]
        lines = [*(Text(line, style="dim") for line in told), *news]
        for line in lines:
            line.no_wrap, line.overflow = True, "ellipsis"
        return Panel(
            Group(head, *lines), title="ΚΕΛ · μια ημέρα του Δήμου Διονύσου", title_align="left"
        )


def _move_logs(old: TextIO, new: TextIO) -> None:
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is old:
            handler.setStream(new)


def _clock(at: datetime) -> str:
    return f"{at.astimezone(ATHENS):%H:%M}"


def _line(news: News) -> Text:
    line = Text().append(f"{_clock(news.at)}  ", style="dim")
    line.append(f"{EVENT_LABEL.get(news.what, news.what):<15}", style=COLOUR[news.severity])
    line.append(f"{news.incident}  {news.title}")
    if news.why:
        line.append(f" · {news.why}", style="dim")
    return line


def _counts(moment: Moment) -> list[str]:
    t = moment.totals
    return [
        f"ειδοποιήσεις {t.alerts}",
        f"συμβάντα {t.incidents}",
        f"εντολές {t.orders} ({t.completed} ολοκληρώθηκαν)",
        f"απορρίφθηκαν {t.rejected}",
        f"{_decimal(float(t.cost), 2)} €",
    ]


def summary(result: Result) -> Table:
    """The table at the end."""
    t = result.totals
    table = Table(title="Η ημέρα σε αριθμούς", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, value in (
        ("Μετρήσεις", f"{result.readings:,}".replace(",", ".")),
        ("Απορρίφθηκαν", str(t.rejected)),
        ("Ειδοποιήσεις", str(t.alerts)),
        ("Συμβάντα", str(t.incidents)),
        ("Εντολές εργασίας", f"{t.orders}, ολοκληρώθηκαν {t.completed}"),
        ("Ώρες εργασίας", _decimal(float(t.hours))),
        ("Χιλιόμετρα", _decimal(t.km)),
        ("Νερό που χάθηκε, m³", _decimal(float(t.m3))),
        ("Κόστος", f"{_decimal(float(t.cost), 2)} €"),
        ("Πρώτο συμβάν / πρώτη εντολή", _firsts(result)),
    ):
        table.add_row(name, value)
    if result.restarts:
        table.add_row("Διεργασίες που ξεκίνησαν ξανά", str(result.restarts))
    return table


def _firsts(result: Result) -> str:
    return f"{_seconds(result.first_incident_s)} / {_seconds(result.first_order_s)}"


def _seconds(value: float | None) -> str:
    return "—" if value is None else f"{_decimal(value)} s"


def _decimal(value: float, places: int = 1) -> str:
    from babel.numbers import format_decimal

    return str(format_decimal(value, "#,##0." + "0" * places, locale="el"))
