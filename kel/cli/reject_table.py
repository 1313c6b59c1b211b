"""Rejects as a terminal shows them. Pure; what others sent is written out so that it moves nothing.

Laws: every reason is told in Greek, with its code for `--reason` and what to do about it; every
group of it with its sender, and how to see one of it.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.text import Text

from ingest.validate import ADVICE, Reason
from kel.cli.listing import counted, number, table, visible
from kel.model.labels import clock
from kel.run.retry import CUT, HAS_VALUE, IN_ORDER, NO_MESSAGE, NO_NODE, OF_CAMERA, REBORN
from kel.store.retries import Group, Stored, Totals

HEAD = ("Αποστολέας", "Πλήθος", "Τελευταίο", "Παράδειγμα")
INDENT = "  "
SHOWN = 4096  # bytes of a payload that are shown
HEX = 16  # bytes a line
LEAST_TEXT = 0.7  # of the characters, for bytes to be shown as text
OBSTACLE = {
    CUT: "κρατήθηκαν μόνο τα πρώτα 64 KiB τους",
    HAS_VALUE: "η στιγμή τους έχει ήδη άλλη τιμή",
    NO_MESSAGE: "δεν είναι μήνυμα συσκευής",
    OF_CAMERA: "από μηνύματα καμερών δεν κρατιέται περιεχόμενο· αρκεί το επόμενο συμβάν",
    IN_ORDER: "Sparkplug, έχουν νόημα μόνο στη σειρά τους· θα ζητηθεί νέα δήλωση",
    REBORN: "Sparkplug· ζητήθηκε νέα δήλωση του κόμβου, που φέρνει τις τωρινές τιμές",
    NO_NODE: "Sparkplug, από κόμβο που δεν έχει συσκευή του Δήμου",
}


def group_table(groups: Sequence[Group], totals: Totals, zone: str, width: int) -> list[Text]:
    """The reasons, the largest group's first, each with what to do about it and its groups."""
    title = (
        f"Απορρίψεις: {number(totals.counted)} συνολικά, {number(totals.kept)} με το περιεχόμενό "
        "τους"
    )
    lines = [Text(title, style="bold")]
    if not groups:
        return [*lines, Text("Καμία", style="dim")]
    reasons = list(dict.fromkeys(g.reason for g in groups))
    by_reason = sorted(groups, key=lambda g: reasons.index(g.reason))
    cells = [_cells(g, zone) for g in by_reason]
    head, *rows = table(HEAD, cells, width - len(INDENT), cut=(0,))
    lines.append(Text(INDENT, style="dim").append_text(head))
    told = ""
    for group, row in zip(by_reason, rows, strict=True):
        if group.reason != told:
            told = group.reason
            lines += [Text(), Text(f"{label(told)} ({told})", style="bold"), Text(action(told))]
        lines.append(Text(INDENT).append_text(row))
    lines.append(Text())
    if totals.nameless:
        nameless = counted(totals.nameless, "μήνυμα", "μηνύματα")
        lines.append(
            Text(
                f"Και {nameless} από αποστολείς πέρα από το όριο, χωρίς περιεχόμενο",
                style="bold red",
            )
        )
    lines.append(
        Text("Ένα: kel rejected show ΠΑΡΑΔΕΙΓΜΑ · μετά τη διόρθωση: kel rejected retry --reason …")
    )
    return lines


def label(reason: str) -> str:
    """The reason in Greek; those of the desk have one label."""
    return ADVICE[Reason(reason)].label if reason in frozenset(Reason) else "Άρνηση του γραφείου"


def remedy(reason: str) -> str:
    """What to do about it, in English, for programs."""
    if reason in frozenset(Reason):
        return ADVICE[Reason(reason)].remedy
    return "The desk refused it: the order or the crew that it names is not as it says."


def action(reason: str) -> str:
    """What to do about it, in Greek."""
    if reason in frozenset(Reason):
        return ADVICE[Reason(reason)].action
    return "Η εντολή ή το συνεργείο που αναφέρει δεν είναι όπως λέει· ρωτήστε το συνεργείο."


def left_alone(why: str, count: int) -> str:
    """Rejects that a retry does not give to the stream, and why (`kel.run.retry.obstacle`)."""
    return f"Μένουν ως έχουν: {number(count)}, {OBSTACLE.get(why, why)}"


def _cells(group: Group, zone: str) -> list[str]:
    count = number(group.kept if group.count is None else max(group.count, group.kept))
    if group.count is not None and group.count > group.kept:
        count += f" (κρατ. {number(group.kept)})"
    if group.retried:
        count += f" (ξανά {number(group.retried)})"
    return [
        visible(sender(group)),
        count,
        _clock(group.last_at, zone),
        str(group.example)[:8],
    ]


def sender(group: Group) -> str:
    """The device, else the address in its format, else the topic."""
    if group.device:
        return group.device
    return f"{group.source} {group.address}" if group.address else str(group.topic)


def _clock(at: datetime, zone: str) -> str:
    return clock(at, ZoneInfo(zone))


def shown(reject: Stored, zone: str) -> list[Text]:
    """One reject, whole, to be read."""
    who = reject.device or (f"{reject.source} {reject.address}" if reject.address else "—")
    at = reject.arrival.astimezone(ZoneInfo(zone))
    size = f"{number(reject.size)} byte"
    if len(reject.payload) < reject.size:
        size += f", κρατήθηκαν {number(len(reject.payload))}"
    told = [
        ("Αιτία", f"{label(reject.reason)} ({reject.reason})"),
        ("Λεπτομέρεια", visible(reject.detail)),
        ("Τι να γίνει", action(reject.reason)),
        ("Άφιξη", f"{at:%d/%m/%Y %H:%M:%S}"),
        ("Θέμα", visible(reject.topic)),
        ("Αποστολέας", visible(who)),
        ("Μέγεθος", size),
    ]
    if reject.retried_at:
        told.append(("Ξανά", "δόθηκε ξανά στη ροή και περιμένει"))
    lines = [Text(str(reject.id), style="bold")]
    lines += [Text(f"{name:<12}  {value}") for name, value in told]
    lines += [Text(), *map(Text, payload_lines(reject.payload))]
    return lines


def payload_lines(payload: bytes) -> list[str]:
    """JSON indented, other text as it is, anything else in hexadecimal; no control character."""
    cut = payload[:SHOWN]
    more = [f"… και ακόμη {number(len(payload) - SHOWN)} byte"] if len(payload) > SHOWN else []
    try:
        text = json.dumps(json.loads(payload), ensure_ascii=False, indent=2)
        if len(text) <= 4 * SHOWN:
            return [visible(line) for line in text.split("\n")]
    except (ValueError, RecursionError):
        pass
    text = cut.decode("utf-8", "replace")
    broken = "\N{REPLACEMENT CHARACTER}"
    plain = sum((c.isprintable() and c != broken) or c in "\r\n\t" for c in text)
    if plain >= LEAST_TEXT * len(text):
        return [visible(line) for line in text.splitlines()] + more
    return [_hex(cut, at) for at in range(0, len(cut), HEX)] + more


def _hex(payload: bytes, at: int) -> str:
    row = payload[at : at + HEX]
    text = "".join(chr(b) if 32 <= b < 127 else "." for b in row)
    return f"{at:06x}  {row.hex(' '):<{HEX * 3}} {text}"
