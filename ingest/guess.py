"""What a stranger probably is, by what it sent. Pure; a guess, for a person to confirm.

Laws: a community only where the topic says it and the city has it; a class by the names of its
metrics that the messages hold, whatever the format, and by the format where names say nothing.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from kel.model.city import City
from kel.model.device import DeviceClass

WORD = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*")
READ = 16 * 1024  # bytes of a message that are looked at


@dataclass(frozen=True, slots=True)
class Guess:
    community: str | None = None
    cls: str | None = None


def guess(city: City, source: str, topic: str, payloads: Iterable[bytes]) -> Guess:
    """The community and the class of a sender that nobody knows, where they can be guessed."""
    words: set[str] = set()
    for payload in payloads:
        words.update(word.decode() for word in WORD.findall(payload[:READ]))
    return Guess(_community(city, topic), _class(city, source, words))


def _community(city: City, topic: str) -> str | None:
    match topic.split("/"):
        case ["kel", "v1", community, *_] if community in city.communities:
            return community
    return None


def _class(city: City, source: str, words: set[str]) -> str | None:
    """The class with most of its metrics named, of equals the one with fewer unnamed; else the
    only class whose devices speak this format."""

    def overlap(cls: DeviceClass) -> tuple[int, float]:
        named = sum(metric.name in words for metric in cls.metrics)
        return named, named / len(cls.metrics)

    ranked = sorted(city.classes.values(), key=overlap, reverse=True)
    if ranked and overlap(ranked[0])[0]:
        best = [cls for cls in ranked if overlap(cls) == overlap(ranked[0])]
        spoken = _speakers(city, source)
        return max(best, key=lambda cls: spoken[cls.id]).id
    classes = _speakers(city, source)
    return next(iter(classes)) if len(classes) == 1 else None


def _speakers(city: City, source: str) -> Counter[str]:
    return Counter(device.cls for device in city.devices.values() if device.source == source)
