"""Silences, and what they hid, as tables for a terminal of any width. Pure.

Laws: numbers and times are never cut, reasons may be; times are the city's.
"""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any

from rich.text import Text

from kel.cli.listing import table
from kel.model.alert import Severity
from kel.model.labels import SEVERITY_LABEL
from kel.model.silence import Silence

DAYS = ("Δε", "Τρ", "Τε", "Πέ", "Πα", "Σά", "Κυ")
PICK = {
    "device": "συσκευή",
    "zone": "ζώνη",
    "feeder": "γραμμή",
    "community": "κοινότητα",
    "rule": "κανόνας",
    "category": "κατηγορία",
    "class": "είδος",
}


def silence_table(
    found: Sequence[tuple[Silence, int, int]], width: int, zone: tzinfo
) -> list[Text]:
    """Each silence with how many alerts it hid, and how many of them it still hides."""
    rows = [
        [s.number, about(s), span(s, zone), f"{hid} ({still})", s.who, s.why]
        for s, hid, still in found
    ]
    head = ["Αρ.", "Τι", "Πότε", "Έκρυψε (τώρα)", "Ποιος", "Γιατί"]
    return [Text(f"Σιγάσεις ({len(rows)})", style="bold"), *table(head, rows, width, (5, 1, 4))]


def about(silence: Silence) -> str:
    """«ζώνη z03, κανόνας night-flow»."""
    return ", ".join(f"{PICK[p]} {'/'.join(v)}" for p, v in silence.picks.items())


def span(silence: Silence, zone: tzinfo) -> str:
    """«18/10 22:00 – 19/10 06:00», with days and hours where it comes again, and how it ended."""
    told = f"{_clock(silence.starts_at, zone)} – {_clock(silence.ends_at, zone)}"
    if silence.days and silence.since is not None and silence.until is not None:
        days = " ".join(DAYS[d] for d in sorted(silence.days))
        told = f"{told}, {days} {silence.since:%H:%M}–{silence.until:%H:%M}"
    if silence.ended_at is not None and silence.ended_at < silence.ends_at:
        told = f"{told}, άρση {_clock(silence.ended_at, zone)}"
    return told


def hidden_table(rows: Sequence[Sequence[Any]], width: int, zone: tzinfo) -> list[Text]:
    """What a silence hid, of rows of the statement `silence_hid`."""
    lines = []
    for alert, rule, _, name, severity, detected, cleared, over, spoke, incident in rows:
        fate = f"ακούστηκε {_clock(over, zone)}" if spoke else "κρύβεται ακόμη"
        if over is not None and not spoke:
            fate = f"έληξε {_clock(cleared or over, zone)}"
        lines.append(
            [str(alert)[:8], _clock(detected, zone), SEVERITY_LABEL[Severity(severity)]]
            + [rule, fate, incident or "", name]
        )
    head = ["Ειδοπ.", "Πότε", "Σοβαρότητα", "Κανόνας", "Τι έγινε", "Συμβάν", "Συσκευή"]
    return [Text(f"Τι έκρυψε ({len(lines)})", style="bold"), *table(head, lines, width, (6, 3))]


def _clock(moment: datetime, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%d/%m %H:%M}"
