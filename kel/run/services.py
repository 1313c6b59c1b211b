"""KEL's own processes as children: started, watched, and started again when they die."""

import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from kel.stack.child import Child
from kel.stack.stack import Stack

log = logging.getLogger("kel.services")

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
                env={**stack.environment(LOGINS[name]), **environment},
            )
            for name in names
        ]
        self.restarts = 0

    def __enter__(self) -> "Services":
        for child in self._children:
            child.start()
        return self

    def __exit__(self, *_: object) -> None:
        for child in reversed(self._children):
            child.end()

    def watch(self) -> None:
        """Start again what has died."""
        for child in self._children:
            if child.ended is not None:
                log.warning(
                    "%s died (%s): starting it again\n%s", child.name, child.ended, child.tail()
                )
                self.restarts += 1
                child.start()

    def pids(self, name: str) -> list[int]:
        return [child.pid for child in self._children if child.name == name]

    @property
    def logs(self) -> Sequence[Path]:
        return [child.log for child in self._children]
