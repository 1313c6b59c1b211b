"""One of KEL's processes, with a look into it: where its threads spend their processor time.

`python -m benchmarks.profiled FOLDER bridge`: runs `kel bridge`, and when that ends well writes
`FOLDER/bridge-<pid>.txt`: the functions by their own time, and by the time within them. All threads
are looked at some 200 times a second; a look counts for as much processor time as its thread has
used since the last one, so that waiting counts for nothing, and C code that gives up the lock does.
"""

import atexit
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType

EVERY_S = 0.005
SHOWN = 60


class Sampler(threading.Thread):
    def __init__(self) -> None:
        super().__init__(daemon=True, name="sampler")
        self.own: Counter[str] = Counter()
        self.within: Counter[str] = Counter()
        self.threads: Counter[str] = Counter()
        self._used: dict[int, float] = {}

    def run(self) -> None:
        while True:
            time.sleep(EVERY_S)
            frames = sys._current_frames()
            for thread in threading.enumerate():
                if thread is not self and thread.ident in frames:
                    self._count(thread, frames[thread.ident])

    def _count(self, thread: threading.Thread, frame: FrameType) -> None:
        assert thread.ident
        try:
            used = time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
        except OSError:
            return  # it has ended
        spent = used - self._used.get(thread.ident, used)
        self._used[thread.ident] = used
        self.threads[thread.name] += spent  # type: ignore[assignment]
        self.own[_place(frame, line=True)] += spent  # type: ignore[assignment]
        above: FrameType | None = frame
        seen = set()
        while above:
            seen.add(_place(above))
            above = above.f_back
        for place in seen:
            self.within[place] += spent  # type: ignore[assignment]

    def write(self, file: Path) -> None:
        parts = {"threads": self.threads, "own": self.own, "within": self.within}
        lines = []
        for name, counted in parts.items():
            lines += [name, *(f"{s:8.3f} s  {p}" for p, s in counted.most_common(SHOWN)), ""]
        file.write_text("\n".join(lines), "utf-8")


def _place(frame: FrameType, line: bool = False) -> str:
    file = "/".join(Path(frame.f_code.co_filename).parts[-3:])
    at = f":{frame.f_lineno}" if line else ""
    return f"{file}{at} {frame.f_code.co_qualname}"


def main() -> None:
    from os import getpid

    from kel.cli import main as kel

    folder, name = Path(sys.argv[1]), sys.argv[2]
    folder.mkdir(parents=True, exist_ok=True)
    sampler = Sampler()
    atexit.register(lambda: sampler.write(folder / f"{name}-{getpid()}.txt"))
    sampler.start()
    sys.argv = ["kel", name]
    kel()


if __name__ == "__main__":
    main()
