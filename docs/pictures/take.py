"""A terminal's screen, or a picture, as a small PNG: `… | python docs/pictures/take.py PNG`.

Reads text with colours (ANSI) or a PNG on stdin. Text needs Chromium, which `make test` installs.
README.md has the commands.
"""

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from rich.ansi import AnsiDecoder
from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME

COLOURS = 64
LETTER, LINE, MARGIN = 8.43, 18, 14  # px: DejaVu Sans Mono at 14 px
PAGE = """<!doctype html><meta charset="utf-8"><body style="margin:0;background:{background}">
<pre style="margin:%dpx;color:{foreground};font:14px/%dpx 'DejaVu Sans Mono'">{code}</pre>"""


def main(target: Path) -> None:
    given = sys.stdin.buffer.read()
    picture = given if given.startswith(b"\x89PNG") else terminal(given.decode().rstrip("\n"))
    small = Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS, dither=0)
    small.save(target, optimize=True)


def terminal(text: str) -> bytes:
    """The screen as a PNG."""
    lines = list(AnsiDecoder().decode(text))
    columns = max(line.cell_len for line in lines)
    console = Console(record=True, width=columns, file=io.StringIO(), color_system="truecolor")
    for line in lines:
        console.print(line, soft_wrap=True, highlight=False)
    html = console.export_html(
        theme=SVG_EXPORT_THEME, inline_styles=True, code_format=PAGE % (MARGIN, LINE)
    )
    width, height = int(columns * LETTER) + 2 * MARGIN + 1, len(lines) * LINE + 2 * MARGIN
    with tempfile.TemporaryDirectory() as folder:
        page, picture = Path(folder) / "page.html", Path(folder) / "page.png"
        page.write_text(html, "utf-8")
        subprocess.run(  # noqa: S603
            [
                shutil.which("chromium") or "chromium",
                *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
                f"--user-data-dir={folder}/profile",
                f"--window-size={width},{height}",
                f"--screenshot={picture}",
                page.as_uri(),
            ],
            check=True,
            capture_output=True,
        )
        return picture.read_bytes()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
