"""Silences, and what they hid, as tables for a terminal of any width. Pure.

Laws: numbers and times are never cut, reasons may be; times are the city's.
"""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

from rich.text import Text

from kel.cli.listing import table
from kel.model.alert import Severity
from kel.model.labels import SEVERITY_LABEL, clock
from kel.model.silence import Silence
from rules.incidents.hush_words import Name, about, span


def silence_table(
    found: Sequence[tuple[Silence, int, int]], width: int, zone: tzinfo, name: Name
) -> list[Text]:
    """Each silence with how many alerts it hid, and how many of them it still hides."""
    rows = [
        [s.number, about(s, name), span(s, zone), f"{hid} ({still})", s.who, s.why]
        for s, hid, still in found
    ]
    head = ["Αρ.", "Τι", "Πότε", "Έκρυψε (τώρα)", "Ποιος", "Γιατί"]
    return [Text(f"Σιγάσεις ({len(rows)})", style="bold"), *table(head, rows, width, (5, 1, 4))]


def one(silence: Silence, zone: tzinfo, name: Name) -> str:
    """«Σ-2026-0003: ζώνη Άνοιξη – Νότος · 18/10 12:00 – 18/10 16:00 · Άννα: πλύσιμο δικτύου»."""
    said = f"{silence.who}: {silence.why}"
    return f"{silence.number}: {about(silence, name)} · {span(silence, zone)} · {said}"


def hidden_table(
    rows: Sequence[Sequence[Any]], width: int, zone: tzinfo, rules: Mapping[str, str]
) -> list[Text]:
    """What a silence hid, of rows of the statement `silence_hid`; `rules`: their labels by id."""
    lines = []
    for alert, rule, _, _, name, severity, detected, cleared, over, spoke, incident in rows:
        fate = f"ακούστηκε {clock(over, zone)}" if spoke else "κρύβεται ακόμη"
        if over is not None and not spoke:
            fate = f"έληξε {clock(cleared or over, zone)}"
        lines.append(
            [str(alert)[:8], clock(detected, zone), SEVERITY_LABEL[Severity(severity)]]
            + [rules.get(rule, rule), fate, incident or "", name]
        )
    head = ["Ειδοπ.", "Πότε", "Σοβαρότητα", "Κανόνας", "Τι έγινε", "Συμβάν", "Συσκευή"]
    return [Text(f"Τι έκρυψε ({len(lines)})", style="bold"), *table(head, lines, width, (6, 3))]
