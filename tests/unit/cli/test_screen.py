"""The demo's screen: never taller or wider than the terminal, plain lines where there is none."""

import io
import logging
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from rich.cells import cell_len
from rich.console import Console

from kel.cli.screen import MOST, Screen
from kel.run.demo import Moment, Result
from kel.run.weekly import Pages
from kel.store.story import News, Totals

START = datetime(2026, 10, 17, 21, tzinfo=UTC)  # midnight in Athens
TOTALS = Totals(
    1234, 5678, 321, 210, 200, Decimal("1234.5"), 987.6, Decimal("4321"), Decimal("76543.21")
)
TITLE = "Θραύση κεντρικού αγωγού — ζώνη Άγιος Στέφανος – Κέντρο"


def news(n: int) -> News:
    at = START + timedelta(minutes=n)
    return News(uuid4(), at, f"2026-{n:04}", 3, TITLE, "opened", "κανόνας zone-night-flow")


def moment(minutes: int, count: int) -> Moment:
    return Moment(START + timedelta(minutes=minutes), 0.4, TOTALS, [news(n) for n in range(count)])


def console(width: int, height: int, terminal: bool) -> Console:
    return Console(
        file=io.StringIO(),
        width=width,
        height=height,
        force_terminal=terminal,
        color_system=None,
        legacy_windows=False,
    )


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (140, 50), (60, 12)])
def test_the_picture_fits_the_terminal(width: int, height: int) -> None:
    on = console(width, height, terminal=True)
    with Screen(console=on) as screen:
        screen.show(moment(5, 60))
    with on.capture() as captured:
        on.print(screen._picture(moment(5, 0)))
    lines = captured.get().splitlines()
    assert len(lines) <= height - 1  # the last line is the cursor's
    assert max(map(cell_len, lines)) <= width
    assert sum("νέο συμβάν" in line for line in lines) >= min(height - 7, MOST)  # the room is used
    assert "2026-0059" in captured.get()  # for the newest
    assert ("…" in captured.get()) == (width < 120)
    assert "76.543,21 €" in captured.get()


def test_it_is_drawn_when_there_is_something_new_alone() -> None:
    with Screen(console=console(80, 24, terminal=True)) as screen:
        assert screen._live is not None
        assert not screen._live.auto_refresh


def test_logs_do_not_tear_the_picture(capsys: pytest.CaptureFixture[str]) -> None:
    import sys

    handler = logging.StreamHandler(sys.stderr)
    logging.getLogger().addHandler(handler)
    try:
        on = console(80, 24, terminal=True)
        with Screen(console=on) as screen:
            screen.show(moment(5, 3))
            logging.getLogger("kel.services").warning("worker died")
        assert "worker died" in on.file.getvalue()  # type: ignore[attr-defined]
        logging.getLogger("kel.services").warning("afterwards")
    finally:
        logging.getLogger().removeHandler(handler)
    said = capsys.readouterr().err
    assert "worker died" not in said
    assert "afterwards" in said


def test_a_pipe_gets_whole_lines() -> None:
    on = console(80, 25, terminal=False)
    with Screen(console=on) as screen:
        screen.tell("the history stands")
        screen.show(moment(5, 2))
        screen.show(moment(60, 0))
    told = on.file.getvalue()  # type: ignore[attr-defined]
    assert told.splitlines() == [
        "the history stands",
        f"00:00  νέο συμβάν     2026-0000  {TITLE} · κανόνας zone-night-flow",
        f"00:01  νέο συμβάν     2026-0001  {TITLE} · κανόνας zone-night-flow",
        "01:00  ειδοποιήσεις 5678 · συμβάντα 321 · εντολές 210 (200 ολοκληρώθηκαν) · "
        "απορρίφθηκαν 1234 · 76.543,21 €",
    ]
    assert "\x1b" not in told


def test_paths_at_the_end_are_whole() -> None:
    pages = Pages(Path("/a/long/way/" * 12 + "week.html"), Path("/a/long/way/" * 12 + "week.pdf"))
    on = console(80, 24, terminal=True)
    Screen(console=on).end(Result(TOTALS, 12345, 0.0, None, pages, 1))
    told = on.file.getvalue()  # type: ignore[attr-defined]
    assert str(pages.html) in told
    assert str(pages.pdf) in told
    assert "0,0 s / —" in told
    assert "12.345" in told


def test_quiet_says_nothing() -> None:
    quiet = Console(file=io.StringIO(), quiet=True)
    with Screen(quiet=True, console=quiet) as screen:
        screen.tell("x")
        screen.show(moment(60, 3))
    assert quiet.file.getvalue() == ""  # type: ignore[attr-defined]
