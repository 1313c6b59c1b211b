"""How far a backtest is, on stderr: one line that is written over, or a line every few seconds."""

import sys
import time

import click

from kel.model.moment import from_us

OVER_S = 0.2  # between two pictures of one line on a terminal
LINE_S = 2.0  # between two lines elsewhere


class Progress:
    """Shown on a terminal, or where it was `asked` for."""

    def __init__(self, asked: bool = False) -> None:
        self._terminal = sys.stderr.isatty()
        self._shown = asked or self._terminal
        self._every = OVER_S if self._terminal else LINE_S
        self._begun = self._last = time.monotonic()
        self._told: tuple[int, int, int] | None = None

    def __enter__(self) -> "Progress":
        self._begun = self._last = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        if self._told and self._shown:
            self._draw(*self._told)
            if self._terminal:
                click.echo(err=True)

    def say(self, what: str) -> None:
        if self._shown:
            click.echo(f"kel backtest: {what}", err=True)

    def heard(self, done: int, rows: int, moment: int) -> None:
        """`done` of `rows` (0: not known) are through, up to that moment (µs)."""
        self._told = done, rows, moment
        now = time.monotonic()
        if self._shown and now - self._last >= self._every:
            self._last = now
            self._draw(done, rows, moment)

    def _draw(self, done: int, rows: int, moment: int) -> None:
        rate = done / max(time.monotonic() - self._begun, 1e-9)
        share = f"{done / rows:4.0%}  " if rows else ""
        of = f" of {rows:,}" if rows else ""
        line = f"{share}{done:,}{of} rows  {rate / 1e6:.2f} M rows/s  {from_us(moment):%Y-%m-%d}"
        click.echo(f"\r\x1b[K{line}" if self._terminal else line, err=True, nl=not self._terminal)
