"""What every report promises, whatever the week holds. A new report joins REPORTS."""

import io
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser

import pytest
from pypdf import PdfReader

from kel.reports import render_html, render_pdf
from tests.builders import week

REPORTS: dict[str, Callable[[], str]] = {
    f"week, {name}": (lambda build=build: render_html(build())) for name, build in week.ALL.items()
}
A4_PT = (595.28, 841.89)

each = pytest.mark.parametrize("name", REPORTS)


@cache
def html_of(name: str) -> str:
    return REPORTS[name]()


@cache
def pdf_of(name: str) -> PdfReader:
    return PdfReader(io.BytesIO(render_pdf(html_of(name))))


class Tags(HTMLParser):
    """Every tag with its attributes; checks that what is opened is closed."""

    VOID = frozenset({"meta", "col", "br", "hr", "img", "link", "rect", "line"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@each
def test_the_same_facts_give_the_same_bytes(name: str) -> None:
    assert html_of(name) == REPORTS[name]()


@each
def test_it_is_one_file_in_greek(name: str) -> None:
    tags = Tags(html_of(name))
    assert not tags.open
    kinds = [tag for tag, _ in tags.tags]
    assert ("html", {"lang": "el"}) in tags.tags
    assert kinds.count("h1") == 1
    assert not {"script", "link", "iframe", "img", "object"} & set(kinds)
    assert not any(a in ("src", "href") or a.startswith("on") for _, at in tags.tags for a in at)
    assert not re.search(r"url\(|@import|@font-face", html_of(name))


@each
def test_every_picture_says_in_words_what_it_shows(name: str) -> None:
    html = html_of(name)
    pictures = re.findall(r"<svg[^>]*>(.{7})", html, re.S)
    assert len(pictures) == html.count('role="img"')
    assert all(start == "<title>" for start in pictures)


@each
def test_no_machine_words_reach_people(name: str) -> None:
    text = re.sub(r"<style.*?</style>|<[^>]+>", " ", html_of(name), flags=re.S)
    assert not re.search(r"\b(None|nan|inf|Decimal|undefined|True|False)\b|\{\{|\}\}", text)


@each
def test_the_pdf_is_one_a4_page_with_the_pages_words(name: str) -> None:
    pdf = pdf_of(name)
    assert len(pdf.pages) == 1
    box = pdf.pages[0].mediabox
    assert (float(box.width), float(box.height)) == pytest.approx(A4_PT, abs=1)
    text = " ".join(pdf.pages[0].extract_text().split())
    for words in ("Κέντρο Ελέγχου Λειτουργίας", "Χρειάζονται απόφαση", "Ταμειακό", "Συνεργεία"):
        assert words in text
    assert "kel trace" in text  # the last line is there: nothing fell off the page


def test_every_euro_with_an_entry_leads_back() -> None:
    """No amount stands alone but those of other weeks, which are only there to compare."""
    tags = Tags(html_of("week, usual"))
    amounts = [at for _, at in tags.tags if at.get("class") == "eur"]
    assert len(amounts) > 30
    assert all(at.get("data-entry") for at in amounts)
    assert all("title" in at for at in amounts)


def test_text_from_outside_is_text() -> None:
    bad = '<script>alert("x")</script>&<b>'
    usual = week.usual()
    html = render_html(
        replace(
            usual,
            city=bad,
            costly=tuple(
                replace(i, what=bad, place=bad, label=bad, category="own", number=bad)
                for i in usual.costly
            ),
            communities=tuple(replace(c, name=bad) for c in usual.communities),
            categories=tuple(replace(c, label=bad) for c in usual.categories),
            budget=tuple(replace(b, label=bad, account=bad) for b in usual.budget),
            decisions=tuple(
                replace(d, question=bad, because=bad, about=bad) for d in usual.decisions
            ),
        )
    )
    assert "<script" not in html
    assert not Tags(html).open
    assert "&lt;script" in html


@pytest.mark.parametrize("url", ["file:///etc/hostname", "http://127.0.0.1:9/x", "data:,x"])
def test_a_page_that_asks_for_something_else_is_refused(url: str) -> None:
    html = html_of("week, empty").replace("</main>", f'<img src="{url}" alt="εικόνα"></main>')
    with pytest.raises(ValueError, match="fetches nothing"):
        render_pdf(html)


def test_making_the_pdf_warns_of_nothing(caplog: pytest.LogCaptureFixture) -> None:
    render_pdf(html_of("week, empty"))
    assert caplog.messages == []
