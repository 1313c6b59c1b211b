"""Greek for people: numbers, dates, lengths of time, articles."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kel.reports import greek


def plain(text):
    return text.replace(greek.NBSP, " ")


@pytest.mark.parametrize(
    ("value", "cents", "expected"),
    [
        (Decimal("1234567.5"), True, "1.234.567,50 €"),
        (Decimal("1234.56"), False, "1.235 €"),
        (Decimal("0.5"), False, "1 €"),
        (Decimal("-0.4"), False, "0 €"),
        (Decimal("-12.345"), True, "−12,35 €"),
        (Decimal(0), True, "0,00 €"),
    ],
)
def test_euros(value, cents, expected):
    assert plain(greek.euros(value, cents)) == expected


def test_a_number_does_not_break_from_its_unit():
    assert " " not in greek.euros(Decimal(1234)) + greek.quantity(3.25, "m³", 1)
    assert " " not in greek.plural(3, "συμβάν", "συμβάντα") + greek.duration(3000)


@pytest.mark.parametrize(
    ("count", "expected"), [(0, "0 συμβάντα"), (1, "1 συμβάν"), (1234, "1.234 συμβάντα")]
)
def test_plural(count, expected):
    assert plain(greek.plural(count, "συμβάν", "συμβάντα")) == expected


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        (None, "–"),
        (0, "0 λεπτά"),
        (1.4, "1 λεπτό"),
        (59.4, "59 λεπτά"),
        (59.5, "1 ώρ."),
        (220, "3 ώρ. 40 λ."),
        (24 * 60, "1 ημ."),
        (28 * 60 + 30, "1 ημ. 5 ώρ."),
        (47 * 60 + 45, "2 ημ."),
    ],
)
def test_duration(minutes, expected):
    assert plain(greek.duration(minutes)) == expected


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (date(2026, 10, 19), "Εβδομάδα 43 · 19–25 Οκτωβρίου 2026"),
        (date(2026, 9, 28), "Εβδομάδα 40 · 28 Σεπτεμβρίου – 4 Οκτωβρίου 2026"),
        (date(2026, 12, 28), "Εβδομάδα 53 · 28 Δεκεμβρίου 2026 – 3 Ιανουαρίου 2027"),
    ],
)
def test_week_title(start, expected):
    assert greek.week_title(start) == expected


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (datetime(2026, 10, 20, 23, 58, tzinfo=UTC), "Τετ 21/10, 02:58"),  # summer time
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "Κυρ 25/10, 03:30"),  # the hour's second time
    ],
)
def test_moments_are_the_citys(at, expected):
    assert greek.moment(at, "Europe/Athens") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Δευτέρα", "ΔΕΥΤΕΡΑ"),
        ("Άγιος Στέφανος", "ΑΓΙΟΣ ΣΤΕΦΑΝΟΣ"),
        ("μαΐου", "ΜΑΪΟΥ"),
        ("Μάιος", "ΜΑΪΟΣ"),
        ("ρολόι", "ΡΟΛΟΪ"),
        ("ούτε", "ΟΥΤΕ"),
        ("ΐ", "Ϊ"),
    ],
)
def test_capitals_carry_no_accents(text, expected):
    assert greek.capitals(text) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Δροσιά", "στη Δροσιά"),
        ("Σταμάτα", "στη Σταμάτα"),
        ("Ροδόπολη", "στη Ροδόπολη"),
        ("Άνοιξη", "στην Άνοιξη"),
        ("Κηφισιά", "στην Κηφισιά"),
        ("Μπάφη", "στην Μπάφη"),
        ("Διόνυσος", "στον Διόνυσο"),
        ("Άγιος Στέφανος", "στον Άγιο Στέφανο"),
        ("Κρυονέρι", "στο Κρυονέρι"),
        ("Άνω Θέρμες", "στην Κοινότητα Άνω Θέρμες"),
    ],
)
def test_in_place(name, expected):
    assert greek.in_place(name) == expected


@given(st.text(max_size=200), st.integers(2, 80))
def test_shorten_never_exceeds_its_length(text, length):
    short = greek.shorten(text, length)
    assert len(short) <= length
    assert short == " ".join(text.split()) or short.endswith("…")
