"""How walls look: colours that mean the same everywhere, sizes that are read from across a room.

Laws:
- a colour is never alone: the word or the number stands beside it;
- red, orange and yellow mean a severity (or what would become one), and nothing else;
- no text of a list below 14 px; what counts is at least 20 px (a metre away per 6 px, about).
"""

from typing import Any

from kel.model.alert import Severity

Json = dict[str, Any]

RED = "#E02F44"
ORANGE = "#FF780A"
YELLOW = "#F2CC0C"
BLUE = "#3274D9"
GREEN = "#299C46"
GREY = "#4B5058"
TEAL = "#1B8489"

SEVERITY_COLOUR = {
    Severity.INFO: GREY,
    Severity.LOW: BLUE,
    Severity.MEDIUM: YELLOW,
    Severity.HIGH: ORANGE,
    Severity.CRITICAL: RED,
}
SEVERITY_WORD = {
    Severity.INFO: "ΠΛΗΡΟΦΟΡΙΑ",
    Severity.LOW: "ΧΑΜΗΛΗ",
    Severity.MEDIUM: "ΜΕΣΑΙΑ",
    Severity.HIGH: "ΥΨΗΛΗ",
    Severity.CRITICAL: "ΚΡΙΣΙΜΗ",
}


def steps(first: str, *above: tuple[float, str]) -> Json:
    """Thresholds: `first` is the colour from minus infinity, then (value, colour) upwards."""
    lowest: list[Json] = [{"color": first, "value": None}]
    return {
        "mode": "absolute",
        "steps": lowest + [{"color": colour, "value": value} for value, colour in above],
    }


def severity_steps() -> Json:
    """A severity's number in its colour; below all of them, grey."""
    return steps(GREY, *((int(s), SEVERITY_COLOUR[s]) for s in Severity if s is not Severity.INFO))


def words(meanings: dict[int, tuple[str, str]]) -> list[Json]:
    """Value mappings: a number is shown as its word, in its colour."""
    return [
        {
            "type": "value",
            "options": {
                str(value): {"text": text, "color": colour, "index": place}
                for place, (value, (text, colour)) in enumerate(meanings.items())
            },
        }
    ]
