"""The mayor's page in a real browser: on a screen, on a phone, on paper."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from pypdf import PdfReader

from kel.reports import render_html
from tests.builders import week

pytestmark = pytest.mark.browser

# A page of the given width in a frame (a browser's window cannot be as narrow as a phone), which
# says how wide its content turned out, and what reaches out of it.
FRAME = """<!DOCTYPE html><meta charset="utf-8"><body style="margin:0">
<iframe id="f" style="border:0;width:{width}px;height:3000px"></iframe><script>
const frame = document.getElementById("f");
frame.onload = () => {{
  const page = frame.contentDocument, out = [];
  for (const e of page.querySelectorAll("body *"))
    if (e.getBoundingClientRect().right > {width} + 0.5) out.push(e.tagName);
  document.body.dataset.wide = page.documentElement.scrollWidth;
  document.body.dataset.out = out.join(" ");
  document.body.dataset.tall = page.querySelector(".page").getBoundingClientRect().height;
  document.body.dataset.said = page.querySelector("h1").innerText;
}};
frame.srcdoc = {html};
</script></body>"""


def browser(tmp_path: Path, *arguments: str) -> str:
    """What headless Chromium prints; a profile of its own, nothing from the network."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    assert program, "this test needs Chromium (Debian: apt-get install chromium)"
    fixed = (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--no-first-run",
        f"--user-data-dir={tmp_path / 'profile'}",
    )
    done = subprocess.run(
        [program, *fixed, *arguments], capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout


def as_script(text: str) -> str:
    """A JavaScript string that cannot end the script it stands in."""
    return "'" + "".join(f"\\u{{{ord(c):x}}}" if c in "'\\<\n\r" else c for c in text) + "'"


@pytest.mark.parametrize("name", week.ALL)
@pytest.mark.parametrize("width", [1280, 390])
def test_it_renders_and_nothing_reaches_out_sideways(tmp_path: Path, name: str, width: int) -> None:
    page = tmp_path / "frame.html"
    html = as_script(render_html(week.ALL[name]()))
    page.write_text(FRAME.format(width=width, html=html), encoding="utf-8")
    dom = browser(tmp_path, "--window-size=1400,1000", "--dump-dom", page.as_uri())
    found = dict(re.findall(r'data-(wide|out|tall|said)="([^"]*)"', dom.split("<body")[1][:4000]))
    assert "Αυτή την εβδομάδα" in found["said"]
    assert int(found["wide"]) <= width
    assert found["out"] == ""
    assert float(found["tall"]) > 300


@pytest.mark.parametrize("name", week.ALL)
def test_it_prints_on_one_a4_page(tmp_path: Path, name: str) -> None:
    page, paper = tmp_path / "week.html", tmp_path / "week.pdf"
    page.write_text(render_html(week.ALL[name]()), encoding="utf-8")
    browser(tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={paper}", page.as_uri())
    pages = PdfReader(paper).pages
    assert len(pages) == 1
    assert float(pages[0].mediabox.width) == pytest.approx(595.28, abs=1)
    assert "Ταμειακό" in pages[0].extract_text()
