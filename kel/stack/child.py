"""Child processes that never outlive their parent.

The kernel sends a child its ending signal when the parent dies (prctl PR_SET_PDEATHSIG), also
after SIGKILL. It is bound to the thread that started the child: start children from the main one.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


class PartError(RuntimeError):
    """A part could not be started; the text holds the end of its log and what to do."""


def _die_with_parent(number: int) -> Callable[[], None]:
    parent = os.getpid()

    def set_up() -> None:
        LIBC.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:  # the parent died before the line above
            os._exit(1)

    return set_up


class Child:
    """One process: its log, its end. `end_with` is the signal that it ends well with."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
        end_with: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.log = log
        self._command = [str(part) for part in command]
        self._env = {**os.environ, **(env or {})}
        self._user = user
        self._end_with = end_with
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Child":
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._env,
                user=self._user,
                group=self._user,
                extra_groups=[] if self._user else None,
                process_group=0,  # a Ctrl-C at the terminal is the parent's to pass on
                preexec_fn=_die_with_parent(self._end_with),
            )
        return self

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    @property
    def ended(self) -> int | None:
        """The exit code, or None while it runs."""
        return self._process.poll() if self._process else None

    def check(self) -> None:
        """Raise PartError where the process has ended."""
        if self.ended is not None:
            raise PartError(f"{self.name} ended with {self.ended}:\n{self.tail()}")

    def tail(self, lines: int = 15) -> str:
        with contextlib.suppress(OSError):
            return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-lines:])
        return "(no log)"

    def kill(self) -> None:
        """SIGKILL, as if its machine took it away; it has ended when this returns."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def end(self, timeout_s: float = 10.0) -> None:
        """End it well, or after `timeout_s` at once."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(self._end_with)
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
