"""Units: what KEL keeps is the unit that a class declares; here stands how others become it.

Laws:
- a unit belongs to one dimension, whose first unit is its base: base = value × scale + offset;
- what a unit is called is looked up as it is written, then without regard to case where that
  leaves no doubt: milli and mega are told apart by nothing else, so `mWh` is no MWh and `ML` no ml;
  superscripts, `^`, blanks and the micro signs are alike;
- a unit that is not listed here becomes itself and nothing else.

Pressures are above the air's, as gauges read. Figures: BIPM, The International System of Units, 9th
edition; NIST Special Publication 811, appendix B.8 (inch, foot, gallon, psi, water column,
horsepower). Names: SenML's registries (RFC 8428, RFC 8798), UCUM, UN/CEFACT Recommendation 20, and
how vendors write them.
"""

from functools import lru_cache

FOOT = 0.3048  # m, exactly
GALLON = 0.003785411784  # m³, the US one, exactly
PSI = 0.06894757293168361  # bar

# dimension: unit and its other names, scale, offset
_DECLARED: dict[str, tuple[tuple[str, float, float], ...]] = {
    "flow": (
        ("m³/h m3h m³/hr cmh mqh", 1.0, 0.0),
        ("m³/s mqs", 3600.0, 0.0),
        ("m³/min", 60.0, 0.0),
        ("m³/d m³/day", 1 / 24, 0.0),
        ("l/s l/sec lps g51", 3.6, 0.0),
        ("l/min lpm l2", 0.06, 0.0),
        ("l/h lph l/hr", 0.001, 0.0),
        ("gal/min gpm", GALLON * 60, 0.0),
        ("ft³/s cfs", FOOT**3 * 3600, 0.0),
        ("ft³/min cfm", FOOT**3 * 60, 0.0),
    ),
    "volume": (
        ("m³ cbm mtq", 1.0, 0.0),
        ("l litre liter ltr", 0.001, 0.0),
        ("hl", 0.1, 0.0),
        ("ml", 1e-6, 0.0),
        ("gal usgal gal/us", GALLON, 0.0),
        ("ft³ cf", FOOT**3, 0.0),
    ),
    "pressure": (
        ("bar barg bar(g)", 1.0, 0.0),
        ("mbar mbr", 0.001, 0.0),
        ("Pa pal", 1e-5, 0.0),
        ("hPa", 0.001, 0.0),
        ("kPa", 0.01, 0.0),
        ("MPa", 10.0, 0.0),
        ("psi psig [psi]", PSI, 0.0),
        ("atm", 1.01325, 0.0),
        ("kgf/cm² kg/cm² kp/cm² e42 at att", 0.980665, 0.0),
        ("mH2O mWC mCE m[H2O]", 0.0980665, 0.0),
        ("cmH2O cm[H2O]", 0.000980665, 0.0),
        ("mmHg", 0.00133322387415, 0.0),
    ),
    "length": (
        ("m mtr metre meter", 1.0, 0.0),
        ("mm mmt", 0.001, 0.0),
        ("cm cmt", 0.01, 0.0),
        ("km", 1000.0, 0.0),
        ("in inch [in_i]", 0.0254, 0.0),
        ("ft foot [ft_i]", FOOT, 0.0),
    ),
    "power": (
        ("W watt wtt", 1.0, 0.0),
        ("mW", 0.001, 0.0),
        ("kW kwt", 1000.0, 0.0),
        ("MW maw", 1e6, 0.0),
        ("hp [hp]", 745.6998715822702, 0.0),
        ("PS", 735.49875, 0.0),
    ),
    "energy": (
        ("kWh", 1.0, 0.0),
        ("Wh whr", 0.001, 0.0),
        ("MWh", 1000.0, 0.0),
        ("J Ws jou", 1 / 3.6e6, 0.0),
        ("kJ", 1 / 3600, 0.0),
        ("MJ", 1 / 3.6, 0.0),
        ("GJ", 1000 / 3.6, 0.0),
    ),
    "apparent power": (("VA", 1.0, 0.0), ("kVA", 1000.0, 0.0)),
    "reactive power": (("var", 1.0, 0.0), ("kvar", 1000.0, 0.0)),
    "reactive energy": (("kvarh", 1.0, 0.0), ("varh", 0.001, 0.0)),
    "temperature": (
        ("°C Cel degC degreeC degreesC celsius degreesCelsius C", 1.0, 0.0),
        ("K kelvin kel", 1.0, -273.15),
        ("°F degF degreeF degreesF fahrenheit degreesFahrenheit fah [degF] F", 5 / 9, -160 / 9),
    ),
    "share": (
        ("% %RH %EL percent pct p1 /100", 1.0, 0.0),
        ("0-1 1 / ratio c62", 100.0, 0.0),
        ("‰ permille /1000", 0.1, 0.0),
        ("ppm", 1e-4, 0.0),
    ),
    "flag": (("0/1 bool boolean", 1.0, 0.0),),
    "voltage": (("V volt vlt", 1.0, 0.0), ("mV 2z", 0.001, 0.0), ("kV", 1000.0, 0.0)),
    "current": (
        ("A amp ampere", 1.0, 0.0),
        ("mA 4k", 0.001, 0.0),
        ("µA", 1e-6, 0.0),
        ("kA", 1000.0, 0.0),
    ),
    "charge": (("Ah", 1.0, 0.0), ("mAh", 0.001, 0.0)),
    "time": (
        ("h hour hours hr hur", 1.0, 0.0),
        ("min minute minutes", 1 / 60, 0.0),
        ("s sec second seconds EL", 1 / 3600, 0.0),
        ("ms", 1 / 3.6e6, 0.0),
        ("d day days", 24.0, 0.0),
    ),
    "level of sound": (("dB dBA dB(A)", 1.0, 0.0), ("Bspl", 10.0, 0.0)),
    "level of power": (("dBm", 1.0, 0.0), ("dBW", 1.0, 30.0)),
    "frequency": (
        ("Hz 1/s htz", 1.0, 0.0),
        ("kHz", 1000.0, 0.0),
        ("1/min rpm", 1 / 60, 0.0),
    ),
    "light": (("lx lux", 1.0, 0.0), ("klx", 1000.0, 0.0)),
    "speed": (
        ("m/s", 1.0, 0.0),
        ("km/h kmh", 1 / 3.6, 0.0),
        ("mph mi/h", 0.44704, 0.0),
        ("mm/h", 1 / 3.6e6, 0.0),
        ("m/h", 1 / 3600, 0.0),
    ),
    "angle": (("° deg", 1.0, 0.0), ("rad", 57.29577951308232, 0.0)),
    "mass": (("kg", 1.0, 0.0), ("g", 0.001, 0.0), ("t", 1000.0, 0.0), ("lb", 0.45359237, 0.0)),
    "conductivity": (
        ("µS/cm", 1.0, 0.0),
        ("mS/cm", 1000.0, 0.0),
        ("S/cm", 1e6, 0.0),
        ("S/m", 10_000.0, 0.0),
    ),
    "concentration": (
        ("mg/l g/m³", 1.0, 0.0),
        ("mg/m³ µg/l", 0.001, 0.0),
        ("µg/m³", 1e-6, 0.0),
        ("kg/m³ g/l", 1000.0, 0.0),
    ),
}

Unit = tuple[str, float, float]  # dimension, scale, offset
Linear = tuple[float, float]  # value × scale + offset


class UnitError(ValueError):
    """A value of one unit that cannot become one of another."""


def convert(value: float, given: str, wanted: str) -> float:
    """`value` in the unit `given`, as one in `wanted`; raises UnitError where that cannot be."""
    scale, offset = linear(given, wanted)
    return value * scale + offset


@lru_cache(maxsize=4096)
def linear(given: str, wanted: str) -> Linear:
    """What makes values in `given` ones in `wanted`; (1, 0) where nothing needs to be done."""
    if given == wanted:
        return 1.0, 0.0
    one, other = _unit(given), _unit(wanted)
    if one is None or other is None:
        if _plain(given) == _plain(wanted):
            return 1.0, 0.0
        strange = given if one is None else wanted
        raise UnitError(f"{strange!r} is no unit that KEL knows, so {given!r} cannot be {wanted!r}")
    if one[0] != other[0]:
        raise UnitError(f"{given!r} is of {one[0]}, {wanted!r} of {other[0]}")
    return one[1] / other[1], (one[2] - other[2]) / other[1]


def _unit(name: str) -> Unit | None:
    plain = _plain(name)
    return _EXACT.get(plain) or _ANY_CASE.get(plain.lower()) or _PREFIXED.get(_folded(plain))


def _plain(name: str) -> str:
    """The spelling that other spellings of the same are compared by."""
    return name.translate(_ALIKE)


def _folded(name: str) -> str:
    """Without regard to case, but for that of a first letter, which may be a prefix."""
    return name[:1] + name[1:].lower()


_ALIKE = str.maketrans({"³": "3", "²": "2", "^": None, " ": None, "μ": "u", "µ": "u", "º": "°"})

Units = dict[str, Unit]


def _tables() -> tuple[Units, Units, Units]:
    """Units by their names as written, in any case, and in any case but that of milli and mega."""
    exact = {
        _plain(name): (dimension, scale, offset)
        for dimension, units in _DECLARED.items()
        for names, scale, offset in units
        for name in names.split()
    }
    any_case: Units = {}
    prefixed: Units = {}
    doubtful: set[str] = set()
    for name, unit in exact.items():
        if any_case.setdefault(name.lower(), unit) != unit:
            doubtful.add(name.lower())
    for name, unit in exact.items():
        root = exact.get(name[1:])
        if name[0] in "mM" and root and root[0] == unit[0]:  # a milli or mega of its dimension
            any_case.pop(name.lower(), None)
            prefixed[_folded(name)] = unit
    any_case = {name: unit for name, unit in any_case.items() if name not in doubtful}
    return exact, any_case, {n: u for n, u in prefixed.items() if n.lower() not in doubtful}


_EXACT, _ANY_CASE, _PREFIXED = _tables()
