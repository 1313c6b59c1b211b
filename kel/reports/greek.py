"""Greek for people: numbers, money, dates, lengths of time, and the small grammar of a sentence.

Laws: a number never breaks from its unit (no-break spaces); capitals carry no accents; a noun
agrees with its number; the article's final ν follows the school grammar.
"""

import re
import unicodedata
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.numbers import format_decimal

LOCALE = "el"
NBSP = "\u00a0"
MINUS = "\u2212"

_ACUTE, _DIAERESIS = "\u0301", "\u0308"
_APART = re.compile(f"([αεουΑΕΟΥ]){_ACUTE}([ιυΙΥ])(?![{_ACUTE}{_DIAERESIS}])")
_KEEPS_NU = ("κ", "π", "τ", "ξ", "ψ", "γκ", "μπ", "ντ", "τσ", "τζ")


def number(value: float | Decimal, decimals: int = 0) -> str:
    """1234.5 → «1.234,5»: half up, at most `decimals` places, no «-0»."""
    step = Decimal(1).scaleb(-decimals)
    rounded = Decimal(str(value)).quantize(step, ROUND_HALF_UP)
    pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    text = format_decimal(rounded if rounded else abs(rounded), pattern, locale=LOCALE)
    return text.replace("-", MINUS)


def euros(value: Decimal, cents: bool = False) -> str:
    """«1.235 €», or «1.234,56 €» with cents."""
    return number(value, 2 if cents else 0) + NBSP + "€"


def quantity(value: float, unit: str, decimals: int = 0) -> str:
    """«1.280 m³»."""
    return number(value, decimals) + NBSP + unit


def percent(share: float, decimals: int = 0) -> str:
    """0.184 → «18 %»."""
    return number(share * 100, decimals) + NBSP + "%"


def plural(count: int, one: str, many: str) -> str:
    """«1 συμβάν», «23 συμβάντα»."""
    return number(count) + NBSP + (one if count == 1 else many)


def duration(minutes: float | None) -> str:
    """«45 λεπτά», «3 ώρ. 40 λ.», «2 ημ. 4 ώρ.»; «–» where there is none."""
    if minutes is None:
        return "–"
    whole = int(Decimal(str(minutes)).quantize(Decimal(1), ROUND_HALF_UP))
    if whole < 60:
        return plural(whole, "λεπτό", "λεπτά")
    hours, rest = divmod(whole, 60)
    if hours < 24:
        return f"{hours}{NBSP}ώρ." + (f"{NBSP}{rest}{NBSP}λ." if rest else "")
    days, hours = divmod(hours + (rest >= 30), 24)
    return f"{number(days)}{NBSP}ημ." + (f"{NBSP}{hours}{NBSP}ώρ." if hours else "")


def day_range(start: date, end: date) -> str:
    """«19–25 Οκτωβρίου 2026», with both months or years where they differ."""
    last = format_date(end, "d MMMM y", locale=LOCALE)
    if start.year != end.year:
        return format_date(start, "d MMMM y", locale=LOCALE) + " – " + last
    if start.month != end.month:
        return format_date(start, "d MMMM", locale=LOCALE) + " – " + last
    return f"{start.day}–{last}"


def week_title(start: date) -> str:
    """«Εβδομάδα 43 · 19–25 Οκτωβρίου 2026» (ISO week)."""
    return f"Εβδομάδα {start.isocalendar().week} · {day_range(start, start + timedelta(days=6))}"


def short_day(day: date) -> str:
    """«Δευ 19»."""
    return format_date(day, "EEE d", locale=LOCALE)


def day_and_month(day: date) -> str:
    """«3 Δεκεμβρίου»."""
    return format_date(day, "d MMMM", locale=LOCALE)


def day_of_month(day: date) -> str:
    """«19/10»."""
    return f"{day.day}/{day.month}"


def moment(at: datetime, timezone: str) -> str:
    """«Τετ 21/10, 02:40» in the city's time."""
    local = at.astimezone(ZoneInfo(timezone))
    return format_date(local.date(), "EEE d/M", locale=LOCALE) + local.strftime(", %H:%M")


def capitals(text: str) -> str:
    """Capitals as Greek writes them: «Κέντρο Ελέγχου» → «ΚΕΝΤΡΟ ΕΛΕΓΧΟΥ», «Μάιος» → «ΜΑΪΟΣ».

    An accent that kept two vowels apart («άι», «όυ») leaves a diaeresis behind.
    """
    apart = _APART.sub("\\1\\2" + _DIAERESIS, unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFC", apart.replace(_ACUTE, "")).upper()


def shorten(text: str, length: int) -> str:
    """The text, or its beginning with «…» at a word's end where one is near."""
    text = " ".join(text.split())
    if len(text) <= length:
        return text
    cut = text[: length - 1]
    space = cut.rfind(" ")
    return (cut[:space] if space > length * 2 // 3 else cut).rstrip(" ,·-–") + "…"


def keeps_nu(word: str) -> bool:
    """Whether «την», «στην» keep their ν before `word`: vowels, κ π τ ξ ψ and γκ μπ ντ τσ τζ."""
    plain = capitals(word).lower()
    return plain.startswith(("α", "ε", "η", "ι", "ο", "υ", "ω", *_KEEPS_NU))


def in_place(name: str) -> str:
    """«στη Δροσιά», «στην Άνοιξη», «στον Άγιο Στέφανο», «στο Κρυονέρι».

    The gender is read from the ending (-ος, -η/-α, -ο/-ι); any other name stays as it is:
    «στην Κοινότητα …».
    """
    plain = capitals(name).lower()
    if plain.endswith("ος"):
        words = [w[:-1] if capitals(w).endswith("ΟΣ") else w for w in name.split()]
        return "στον " + " ".join(words)
    if plain.endswith(("η", "α")):
        return ("στην " if keeps_nu(name) else "στη ") + name
    if plain.endswith(("ι", "ο")):
        return "στο " + name
    return f"στην Κοινότητα {name}"
