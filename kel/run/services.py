"""KEL's own processes as children: started, watched, started again when they die, more or fewer."""

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
KEL = (sys.executable, "-m", "kel.cli")


class Services:
    """The bridge, the workers and the desk of one stack. Use from the main thread.

    `command` is what a process is started by, before its name.
    """

    def __init__(
        self,
        stack: Stack,
        environment: Mapping[str, str],
        workers: int = 1,
        command: Sequence[str] = KEL,
    ) -> None:
        self._stack = stack
        self._environment = environment
        self._command = command
        self._made = 0
        self._children: list[Child] = []
        for name in ("bridge", *(["worker"] * workers), "desk"):
            self._make(name, {})
        self.restarts = 0
        self._deaths: dict[Path, deque[float]] = {}

    def __enter__(self) -> "Services":
        for child in self._children:
            child.start()
        return self

    def __exit__(self, *_: object) -> None:
        for child in reversed(self._children):
            child.end()

    def add(self, name: str, **environment: str) -> Child:
        """Start one more of these, with some of the environment set otherwise."""
        return self._make(name, environment).start()

    def remove(self, child: Child) -> None:
        """End this one well, where it has not ended yet, and watch it no more."""
        self._children.remove(child)
        child.end()

    def watch(self) -> None:
        """Start again what has died; raises PartError where it dies again and again."""
        for child in self._children:
            if child.ended is not None:
                log.warning("%s died (%s): starting it again", child.name, child.ended)
                self._count(child)
                child.start()

    def named(self, name: str) -> list[Child]:
        return [child for child in self._children if child.name == name]

    def pids(self, name: str) -> list[int]:
        return [child.pid for child in self.named(name)]

    @property
    def logs(self) -> Sequence[Path]:
        return [child.log for child in self._children]

    def _make(self, name: str, environment: Mapping[str, str]) -> Child:
        self._made += 1
        child = Child(
            name,
            [*self._command, name],
            self._stack.folder / f"{name}{f'-{self._made}' if self.named(name) else ''}.log",
            # what a process keeps for itself goes with the stack's folder
            env={
                **self._stack.environment(LOGINS[name], TMPDIR=str(self._stack.folder)),
                **self._environment,
                **environment,
            },
        )
        self._children.append(child)
        return child

    def _count(self, child: Child) -> None:
        self.restarts += 1
        deaths = self._deaths.setdefault(child.log, deque(maxlen=MOST_DEATHS))
        deaths.append(monotonic())
        if len(deaths) == MOST_DEATHS and deaths[-1] - deaths[0] < WITHIN_S:
            raise PartError(
                f"{child.name} died {MOST_DEATHS} times within {WITHIN_S} s, at last with:\n"
                f"{child.tail()}"
            )
