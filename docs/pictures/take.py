"""A terminal's screen as a picture: `tmux capture-pane -e -p | python docs/pictures/take.py PNG`.

Reads text with colours (ANSI) on stdin; needs Chromium, which `make test` installs. See README.md.
"""

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.ansi import AnsiDecoder
from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME

LETTER, LINE, MARGIN = 8.43, 18, 14  # px: DejaVu Sans Mono at 14 px
PAGE = """<!doctype html><meta charset="utf-8"><body style="margin:0;background:{background}">
<pre style="margin:%dpx;color:{foreground};font:14px/%dpx 'DejaVu Sans Mono'">{code}</pre>"""


def main(target: Path) -> None:
    lines = list(AnsiDecoder().decode(sys.stdin.read().rstrip("\n")))
    columns = max(line.cell_len for line in lines)
    console = Console(record=True, width=columns, file=io.StringIO(), color_system="truecolor")
    for line in lines:
        console.print(line, soft_wrap=True, highlight=False)
    html = console.export_html(
        theme=SVG_EXPORT_THEME, inline_styles=True, code_format=PAGE % (MARGIN, LINE)
    )
    width, height = int(columns * LETTER) + 2 * MARGIN + 1, len(lines) * LINE + 2 * MARGIN
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_text(html, "utf-8")
        subprocess.run(  # noqa: S603
            [
                shutil.which("chromium") or "chromium",
                *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
                f"--user-data-dir={folder}/profile",
                f"--window-size={width},{height}",
                f"--screenshot={target.resolve()}",
                page.as_uri(),
            ],
            check=True,
            capture_output=True,
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
