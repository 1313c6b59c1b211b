"""The mayor's weekly summary: one A4 page, in Greek, from plain facts. Pure.

Laws:
- `Week` holds all that the page says; whoever fills it (SQL, a test) decides nothing;
- the same `Week` gives the same HTML, byte for byte; the PDF is made of that HTML;
- the page is one file: no script, no picture and no font from elsewhere;
- every euro on the page carries the id of the largest cost entry in it (`data-entry`), from where
  `kel trace` leads to the order, the incident, the rule and the readings.
"""

from kel.reports.decisions import Facts, decide
from kel.reports.page import render_html, render_pdf
from kel.reports.week import Decision, Week

__all__ = ["Decision", "Facts", "Week", "decide", "render_html", "render_pdf"]
