"""Devices and strangers as tables for a terminal. Pure; the words are those of all screens."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from shlex import quote
from zoneinfo import ZoneInfo

from rich.text import Text

from ingest.guess import Guess
from kel.cli.listing import Styled, ago, counted, number, table, visible
from kel.model.device import DeviceState
from kel.model.labels import DEVICE_LABEL, PRESENCE_LABEL
from kel.store.registry import Presence, Stranger

HEAD = ("Κωδικός", "Όνομα", "Είδος", "Κατάσταση", "Ακούστηκε", "Μπατ.", "Σήμα")
DRAFT_HEAD = ("Μορφή", "Διεύθυνση", "Ακούστηκε", "Μηνύματα", "Μάλλον είναι", "Θέμα")
GRAVEST = ("offline", "silent", "unheard", "online", None)
COLOUR = {"online": "green", "offline": "bold red", "silent": "dark_orange", "unheard": "yellow"}
LOW_BATTERY = 20.0  # %

Guesses = Mapping[tuple[str, str], Guess]


def device_table(
    devices: Sequence[Presence], now: datetime, zone: str, width: int, most: int, strangers: int
) -> list[Text]:
    """The devices, those that are not heard first, so many at the most; and strangers, counted."""
    told = Counter(_state(d)[0] for d in devices)
    title = f"Συσκευές ({number(len(devices))}), {now.astimezone(ZoneInfo(zone)):%d/%m %H:%M}"
    lines = [Text(title, style="bold")]
    if devices:
        counts = (f"{state} {number(n)}" for state, n in told.most_common())
        lines.append(Text(" · ".join(counts), style="dim"))
        ranked = sorted(devices, key=lambda d: GRAVEST.index(d.presence))
        rows = [_cells(d, now) for d in ranked[:most]]
        lines += table(HEAD, rows, width, cut=(1,))
    if len(devices) > most:
        lines.append(Text(f"… και ακόμη {number(len(devices) - most)}: --most", style="dim"))
    if strangers:
        wait = counted(strangers, "άγνωστη συσκευή περιμένει", "άγνωστες συσκευές περιμένουν")
        lines.append(Text(f"{wait} ένταξη: kel devices list --drafts", style="yellow"))
    return lines


def _cells(device: Presence, now: datetime) -> list[str | Styled]:
    return [
        device.id,
        device.name,
        device.cls,
        _state(device),
        ago(device.heard_at, now),
        _battery(device.signs),
        radio(device.signs),
    ]


def _state(device: Presence) -> Styled:
    if device.presence is None:
        return DEVICE_LABEL[DeviceState(device.state)], "dim"
    return PRESENCE_LABEL[device.presence], COLOUR[device.presence]


def _battery(signs: Mapping[str, float]) -> Styled:
    level = signs.get("battery")
    if level is None:
        return "", ""
    return f"{level:.0f}%", "bold red" if level < LOW_BATTERY else ""


def radio(signs: Mapping[str, float]) -> str:
    """How well it is received: what of it the device or its gateway tells."""
    told = []
    if "rssi" in signs:
        told.append(f"{number(signs['rssi'])} dBm")
    if "snr" in signs:
        told.append(f"{number(signs['snr'])} dB")
    if "margin" in signs:
        told.append(f"περιθ. {number(signs['margin'])} dB")
    if "linkquality" in signs:
        told.append(f"LQI {number(signs['linkquality'])}")
    return " ".join(told)


def draft_table(
    strangers: Sequence[Stranger], guesses: Guesses, now: datetime, width: int, all_: int
) -> list[Text]:
    """Who speaks and is no device of the city, and what it probably is; `all_`: how many they are,
    where these are some of them."""
    named = [s for s in strangers if s.source]
    more = all_ - len(strangers)
    lines = [Text(f"Άγνωστες συσκευές ({number(len(named) + more)})", style="bold")]
    if named:
        rows = [_draft_cells(s, guesses[s.source, s.address], now) for s in named]
        lines += table(DRAFT_HEAD, rows, width, cut=(5,))
        if more:
            lines.append(Text(f"… και ακόμη {number(more)}: --most", style="dim"))
        first = named[0]
        what = guesses[first.source, first.address].cls or "ΕΙΔΟΣ"
        lines.append(
            Text(
                f"Ένταξη: kel devices adopt {first.source} {quote(visible(first.address))}"
                f" --class {what} --id … --name …",
                style="dim",
            )
        )
    for stranger in strangers:
        if not stranger.source:
            lines.append(
                Text(
                    f"Και {counted(stranger.count, 'μήνυμα', 'μηνύματα')} από ακόμη περισσότερους "
                    "αποστολείς, χωρίς περιεχόμενο. Κάποιος στέλνει με συνεχώς νέες διευθύνσεις;",
                    style="bold red",
                )
            )
    return lines


def _draft_cells(s: Stranger, guess: Guess, now: datetime) -> list[str | Styled]:
    kept = "" if s.kept >= s.count else f" (κρατήθηκαν {number(s.kept)})"
    probably = ", ".join(part for part in (guess.cls, guess.community) if part)
    return [
        s.source,
        visible(s.address),
        ago(s.last_at, now),
        number(s.count) + kept,
        probably or "—",
        visible(s.topic),
    ]
