"""KEL's own processes as children: started, watched, and started again when they die."""

import logging
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic

from kel.stack.child import Child, PartError
from kel.stack.stack import Stack

log = logging.getLogger("kel.services")

MOST_DEATHS, WITHIN_S = 5, 20

LOGINS = {"bridge": "kel-bridge", "worker": "kel-bridge", "desk": "kel-desk"}


class Services:
    """The bridge, the workers and the desk of one stack. Use from the main thread."""

    def __init__(self, stack: Stack, environment: Mapping[str, str], workers: int = 1) -> None:
        names = ["bridge", *(["worker"] * workers), "desk"]
        self._children = [
            Child(
                name,
                [sys.executable, "-m", "kel.cli", name],
                stack.folder / f"{name}.log",
                # what a process keeps for itself goes with the stack's folder
                env={
                    **stack.environment(LOGINS[name], TMPDIR=str(stack.folder)),
                    **environment,
                },
            )
            for name in names
        ]
        self.restarts = 0
        self._deaths: dict[str, deque[float]] = {}

    def __enter__(self) -> "Services":
        for child in self._children:
            child.start()
        return self

    def __exit__(self, *_: object) -> None:
        for child in reversed(self._children):
            child.end()

    def watch(self) -> None:
        """Start again what has died; raises PartError where it dies again and again."""
        for child in self._children:
            if child.ended is not None:
                log.warning("%s died (%s): starting it again", child.name, child.ended)
                self._count(child)
                child.start()

    def _count(self, child: Child) -> None:
        self.restarts += 1
        deaths = self._deaths.setdefault(child.name, deque(maxlen=MOST_DEATHS))
        deaths.append(monotonic())
        if len(deaths) == MOST_DEATHS and deaths[-1] - deaths[0] < WITHIN_S:
            raise PartError(
                f"{child.name} died {MOST_DEATHS} times within {WITHIN_S} s, at last with:\n"
                f"{child.tail()}"
            )

    def pids(self, name: str) -> list[int]:
        return [child.pid for child in self._children if child.name == name]

    @property
    def logs(self) -> Sequence[Path]:
        return [child.log for child in self._children]
