"""Citizens' requests: what people tell of troubles, as KEL's own JSON.

Names are made up and telephone numbers are of a block that is not given out.
"""

from collections.abc import Iterable

from kel.model.ids import make_id
from kel.simulate.noise import Stream, uniform
from kel.simulate.troubles import Report, Trouble

_FIRST = ("Μαρία", "Γιώργος", "Ελένη", "Κώστας", "Κατερίνα", "Δημήτρης", "Σοφία", "Νίκος", "Άννα")
_LAST = ("Α.", "Β.", "Γ.", "Δ.", "Θ.", "Κ.", "Λ.", "Μ.", "Π.", "Σ.", "Τ.", "Χ.")

Payload = dict[str, object]


def requests(troubles: Iterable[Trouble], since_us: int, until_us: int) -> list[Payload]:
    """The requests made in [since, until), in order of time, each with its `community`.

    Nobody reports what is no longer there.
    """
    told = [
        (report.at_us, trouble.id, i, report)
        for trouble in troubles
        for i, report in enumerate(trouble.reports)
        if since_us <= report.at_us < until_us
        and (trouble.ends_us is None or report.at_us < trouble.ends_us)
    ]
    return [_payload(trouble, i, report) for _, trouble, i, report in sorted(told, key=_first)]


def _first(told: tuple[int, str, int, Report]) -> tuple[int, str, int]:
    return told[:3]


def _payload(trouble: str, i: int, report: Report) -> Payload:
    known = make_id("request", trouble, i, report.at_us)
    who = known.int % (1 << 31)
    share = uniform(who, Stream.CITY, [1, 2, 3])
    name = f"{_FIRST[int(share[0] * len(_FIRST))]} {_LAST[int(share[1] * len(_LAST))]}"
    return {
        "id": str(known),
        "ts": report.at_us // 1000,
        "category": report.category,
        "text": report.text,
        "lat": report.place.lat,
        "lon": report.place.lon,
        "name": name,
        "phone": f"+302100000{int(share[2] * 1000):03d}",
        "community": report.community,
    }
