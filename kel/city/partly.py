"""A city of which some files have mistakes, as far as the others say it. Pure.

Laws:
- what a file with a mistake would have said is not known: who asks for it gets an UnreadError,
  never an answer that the mended file may turn into another one;
- an entry that is right in itself, and alone with its id, is known, whatever else its file holds.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

from kel.model.device import Device
from kel.model.mistake import UnreadError


class Named(Protocol):
    @property
    def id(self) -> str: ...


V = TypeVar("V", bound=Named)


class Partly(Mapping[str, V]):
    """Entries by id. Unless they are the `whole` of them, one that is missing is not known to be,
    and they cannot be counted or gone through."""

    def __init__(self, read: Iterable[V], *, whole: bool) -> None:
        found = list(read)
        times = Counter(one.id for one in found)
        self._read = {one.id: one for one in found if times[one.id] == 1}
        self._whole = whole

    def __getitem__(self, name: str) -> V:
        if name not in self._read and not self._whole:
            raise UnreadError(name)
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        if not self._whole:
            raise UnreadError
        return iter(self._read)

    def __len__(self) -> int:
        if not self._whole:
            raise UnreadError
        return len(self._read)


class Partial:
    """In a `City`'s place: `parts` of it, and the `devices` of the `classes` that were read."""

    def __init__(
        self, parts: Mapping[str, Any], devices: Iterable[Device], classes: Collection[str]
    ) -> None:
        self.__dict__.update(parts)
        self._devices = list(devices)
        self._classes = classes

    def __getattr__(self, name: str) -> Any:
        raise UnreadError(name)

    def of_class(self, cls: str) -> list[Device]:
        if cls not in self._classes:
            raise UnreadError(cls)
        return [d for d in self._devices if d.cls == cls]
