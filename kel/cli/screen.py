"""The demo's screen: live on a terminal, plain lines elsewhere, a table at the end.

All of it goes to stderr, so that stdout carries what a program reads.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

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
LAST = 12  # lines of news that stay on the screen


class Screen:
    def __init__(self, quiet: bool = False) -> None:
        self._console = Console(stderr=True, quiet=quiet)
        self._live: Live | None = None
        self._news: list[News] = []

    def __enter__(self) -> "Screen":
        if self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=8, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def tell(self, line: str) -> None:
        """A line about the set-up, above everything."""
        self._console.print(line, style="dim", highlight=False)

    def show(self, moment: Moment) -> None:
        """The story's present state."""
        self._news = [*self._news, *moment.news][-LAST:]
        if self._live:
            self._live.update(self._picture(moment))
            return
        for news in moment.news:
            self._console.print(_line(news), highlight=False, soft_wrap=True)
        if _clock(moment.now).endswith("00"):
            self._console.print(_counts(moment), style="dim", highlight=False, soft_wrap=True)

    def end(self, result: Result) -> None:
        """What it came to."""
        self._console.print(summary(result))

    def _picture(self, moment: Moment) -> RenderableType:
        head = Table.grid(expand=True)
        head.add_column(width=9)
        head.add_column(ratio=1)
        head.add_row(
            Text(_clock(moment.now), style="bold"), ProgressBar(100, moment.share * 100)
        )
        return Panel(
            Group(head, Text(_counts(moment), style="dim"), *map(_line, self._news)),
            title="ΚΕΛ · μια ημέρα του Δήμου Διονύσου",
            title_align="left",
        )


def _clock(at: datetime) -> str:
    return f"{at.astimezone(ATHENS):%H:%M}"


def _line(news: News) -> Text:
    line = Text(f"{_clock(news.at)}  ", style="dim")
    line.append(f"{EVENT_LABEL.get(news.what, news.what):<15}", style=COLOUR[news.severity])
    line.append(f"{news.incident}  {news.title}", style="default")
    if news.why:
        line.append(f" · {news.why}", style="dim")
    return line


def _counts(moment: Moment) -> str:
    t = moment.totals
    return (
        f"{_clock(moment.now)}  ειδοποιήσεις {t.alerts} · συμβάντα {t.incidents} · "
        f"εντολές {t.orders} ({t.completed} ολοκληρώθηκαν) · απορρίφθηκαν {t.rejected} · "
        f"{t.cost:.2f} €"
    )


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
        ("Εβδομαδιαία σύνοψη", str(result.pages.pdf)),
        ("", str(result.pages.html)),
        ("Από πού βγαίνει ένα ποσό", ".venv/bin/kel trace largest"),
    ):
        table.add_row(name, value)
    if result.restarts:
        table.add_row("Διεργασίες που ξεκίνησαν ξανά", str(result.restarts))
    return table


def _firsts(result: Result) -> str:
    return f"{result.first_incident_s or '—'} s / {result.first_order_s or '—'} s"


def _decimal(value: float, places: int = 1) -> str:
    from babel.numbers import format_decimal

    return str(format_decimal(value, "#,##0." + "0" * places, locale="el"))
