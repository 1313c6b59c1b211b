"""Units against figures from physics, not from the table under test."""

from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kel.model.units import _DECLARED, UnitError, convert, linear

# value, unit, the same in another unit
CASES = [
    (100, "l/s", 360, "m³/h"),
    (1000, "l/min", 60, "m³/h"),
    (2500, "l/h", 2.5, "m³/h"),
    (0.005, "m3/s", 18, "m³/h"),
    (240, "m³/d", 10, "m³/h"),
    (100, "gpm", 22.712470704, "m³/h"),
    (1, "ft3/s", 101.940647, "m³/h"),
    (1, "cfm", 1.6990108, "m³/h"),
    (1204.5, "l", 1.2045, "m³"),
    (1000, "gal", 3.785411784, "m³"),
    (100, "ft³", 2.8316846592, "m³"),
    (100, "psi", 6.894757, "bar"),
    (412, "kPa", 4.12, "bar"),
    (101325, "Pa", 1.01325, "bar"),
    (1013.25, "hPa", 1.01325, "bar"),
    (1500, "mbar", 1.5, "bar"),
    (0.4, "MPa", 4, "bar"),
    (10, "mH2O", 0.980665, "bar"),
    (50, "mWC", 4.903325, "bar"),
    (760, "mmHg", 1.01325, "bar"),
    (12, "ft", 3.6576, "m"),
    (250, "cm", 2.5, "m"),
    (100, "in", 2.54, "m"),
    (5500, "W", 5.5, "kW"),
    (0.035, "kW", 35, "W"),
    (10, "hp", 7.456998715822702, "kW"),
    (100, "PS", 73.549875, "kW"),
    (3.6, "MJ", 1, "kWh"),
    (7200, "kJ", 2, "kWh"),
    (3600000, "J", 1, "kWh"),
    (412070, "Wh", 412.07, "kWh"),
    (1.5, "MWh", 1500, "kWh"),
    (32, "°F", 0, "°C"),
    (212, "degF", 100, "°C"),
    (-40, "°F", -40, "Cel"),
    (300.15, "K", 27, "°C"),
    (27, "°C", 300.15, "K"),
    (100, "°C", 212, "°F"),
    (0.75, "/", 75, "%"),
    (75, "%", 0.75, "0-1"),
    (250, "‰", 25, "%"),
    (2985, "mV", 2.985, "V"),
    (430, "mA", 0.43, "A"),
    (27, "C", 27, "°C"),
    (27, "degrees C", 27, "°C"),
    (212, "F", 100, "°C"),
    (212, "degrees F", 100, "°C"),
    (300.15, "KEL", 27, "°C"),
    (100, "G51", 360, "m³/h"),
    (4, "kgf/cm²", 3.92266, "bar"),
    (4, "kg/cm2", 3.92266, "bar"),
    (4, "at", 3.92266, "bar"),
    (1, "S/cm", 1e6, "µS/cm"),
    (2, "g/l", 2000, "mg/l"),
    (2600, "mAh", 2.6, "Ah"),
    (5400, "s", 1.5, "h"),
    (90, "min", 1.5, "h"),
    (2, "d", 48, "h"),
    (3, "dBW", 33, "dBm"),
    (6.5, "Bspl", 65, "dB"),
    (3000, "rpm", 50, "Hz"),
    (36, "km/h", 10, "m/s"),
    (1, "mS/cm", 1000, "µS/cm"),
    (0.05, "S/m", 500, "µS/cm"),
    (3.141592653589793, "rad", 180, "°"),
    (2, "lb", 0.90718474, "kg"),
]


@pytest.mark.parametrize(("value", "given", "same", "wanted"), CASES)
def test_a_value_becomes_the_same_in_another_unit(
    value: float, given: str, same: float, wanted: str
) -> None:
    assert convert(value, given, wanted) == pytest.approx(same, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    "names",
    [
        ("m³/h", "m3/h", "m^3/h", "M3/H", "m³ / h", "cmh", "MQH"),
        ("l/s", "L/s", "lps", "L/SEC"),
        ("bar", "BAR", "Bar", "barg", "bar(g)"),
        ("°C", "Cel", "degC", "CEL", "celsius", "º C"),
        ("kWh", "KWH", "kwh"),
        ("W", "watt", "WTT"),
        ("%", "%RH", "percent", "P1"),
        ("µA", "μA", "uA"),
        ("min", "MIN", "minutes"),
        ("MWh", "MWH", "Mwh"),
        ("mbar", "mBar", "mBAR"),
        ("mA", "ma"),
        ("MPa", "MPA", "Mpa"),
        ("MW", "MAW", "maw"),
        ("mm", "MMT"),
    ],
)
def test_what_a_unit_is_called_does_not_matter(names: tuple[str, ...]) -> None:
    assert {convert(7.5, name, names[0]) for name in names} == {7.5}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("bar", "m³/h"),
        ("W", "kWh"),
        ("mw", "kW"),  # milli or mega: who knows
        ("°C", "%"),
        ("furlong", "m"),
        ("m", "furlong"),
        ("", "bar"),
        ("dBm", "dB"),
        ("0/1", "%"),
        ("C", "Ah"),  # coulomb and farad are nobody's here
        ("F", "V"),
    ],
)
def test_what_cannot_be_is_refused(given: str, wanted: str) -> None:
    with pytest.raises(UnitError):
        convert(1, given, wanted)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("mWh", "kWh"), ("mwh", "kWh"), ("Mw", "W"), ("mw", "W"),
        ("ML", "m³"), ("Ml", "m³"), ("Mbar", "bar"), ("MBAR", "bar"), ("mPa", "bar"),
        ("mpa", "bar"), ("MV", "V"), ("MA", "A"), ("MAh", "Ah"), ("mJ", "kWh"), ("mj", "kWh"),
        ("Mm", "m"), ("MM", "m"), ("Ms", "h"), ("MS/cm", "µS/cm"), ("Mg/l", "mg/l"),
        ("Mg/m³", "mg/l"), ("Mm/h", "m/s"),
    ],
)  # fmt: skip
def test_milli_is_never_taken_for_mega(given: str, wanted: str) -> None:
    with pytest.raises(UnitError):
        linear(given, wanted)


@pytest.mark.parametrize("unit", ["NTU", "λίτρα", "0/1", "bar", ""])
def test_every_unit_becomes_itself_even_one_that_nobody_knows(unit: str) -> None:
    assert linear(unit, unit) == (1.0, 0.0)


FIRST_NAMES = [[names.split()[0] for names, _, _ in units] for units in _DECLARED.values()]


@given(st.sampled_from(FIRST_NAMES).flatmap(lambda d: st.tuples(*[st.sampled_from(d)] * 2)))
def test_there_and_back_is_the_same(pair: tuple[str, str]) -> None:
    one, other = pair
    for value in (-40.0, 0.0, 1.0, 12345.678):
        assert isclose(convert(convert(value, one, other), other, one), value, abs_tol=1e-6)


def test_no_name_means_two_units() -> None:
    names = [n for units in _DECLARED.values() for listed, _, _ in units for n in listed.split()]
    assert len(names) == len(set(names))
