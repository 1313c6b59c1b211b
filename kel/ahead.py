"""Things that are made one after another in a thread, before they are wanted.

Laws: in their order, one at a time, at most `AHEAD` before the one that is in use; where the reader
leaves early, what was not begun is never made.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

AHEAD = 2

What = TypeVar("What")
Made = TypeVar("Made")


def ahead(make: Callable[[What], Made], of: Iterable[What]) -> Iterator[Made]:
    """`map(make, of)`, whose next ones are made while one is in use."""
    maker = ThreadPoolExecutor(1, "kel-ahead")
    waiting: deque[Future[Made]] = deque()
    try:
        for what in of:
            waiting.append(maker.submit(make, what))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        maker.shutdown(wait=True, cancel_futures=True)
