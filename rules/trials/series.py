"""The written series of readings in a rule's test, such as "12*24 45..60*6 _*3 20~0.5*100".

Words, separated by spaces, each one or more readings at the pace of the series:

    20          one reading of 20                 20*5        five of them
    20..30*6    six from 20 to 30, evenly          20~0.5*100  a hundred around 20, σ = 0.5
    _  _*3      nothing is reported, once or three times

Law: the noise is seeded by the word's place and text: the same series is the same for ever.
"""

import re
from zlib import crc32

import numpy as np

from kel.model.frame import Float64

MOST = 1_000_000  # readings of one series
_NUMBER = r"[-+]?\d+(?:\.\d+)?"
_WORD = re.compile(
    rf"(?P<gap>_)(?:\*(?P<gaps>\d+))?"
    rf"|(?P<from>{_NUMBER})(?:\.\.(?P<to>{_NUMBER})|~(?P<sigma>\d+(?:\.\d+)?))?(?:\*(?P<times>\d+))?"
)


def parse_series(text: str) -> Float64:
    """The readings, (n,), NaN where nothing is reported. Raises ValueError naming the word."""
    parts: list[Float64] = []
    count = 0
    for place, word in enumerate(text.split()):
        parts.append(_readings(place, word))
        count += len(parts[-1])
        if count > MOST:
            raise ValueError(f"has more than {MOST} readings")
    if not parts:
        raise ValueError("is empty; write readings such as 20*5")
    return np.concatenate(parts)


def _readings(place: int, word: str) -> Float64:
    found = _WORD.fullmatch(word)
    times = int((found["times"] or found["gaps"] or 1) if found else 0)
    if not found or not 0 < times <= MOST:
        raise ValueError(f"{word!r} is no readings; write 20, 20*5, 20..30*6, 20~0.5*100 or _*3")
    if found["gap"]:
        return np.full(times, np.nan)
    begin = float(found["from"])
    if found["to"]:
        return np.linspace(begin, float(found["to"]), times)
    if found["sigma"]:
        noise = np.random.default_rng(crc32(f"{place} {word}".encode()))
        return noise.normal(begin, float(found["sigma"]), times)
    return np.full(times, begin)
