"""What a worker counts of itself."""

from collections import Counter
from types import SimpleNamespace

import numpy as np

from kel.model.frame import Frame
from kel.model.moment import SECOND_US
from kel.model.reading import Doubted, Output
from kel.run.figures import WorkerFigures


def rows(n: int) -> Frame:
    return Frame("zone", *(np.zeros(n, np.int64) for _ in range(3)), {})


def test_a_commit_is_counted_whole(monkeypatch) -> None:
    monkeypatch.setattr("time.time", lambda: 100.0)
    figures = WorkerFigures()
    late = np.zeros(2, np.bool_)
    outputs = [
        Output(0, 5, 8, arrival=98 * SECOND_US, last_arrival=99 * SECOND_US, messages=4),
        Output(1, 0, 1, arrival=97 * SECOND_US, last_arrival=97 * SECOND_US, messages=1),
        Output(2, 0, 1),
    ]
    outputs[0].frames, outputs[1].doubted = [rows(3)], [Doubted(rows(2), late, late)]
    outputs[0].rejects = [SimpleNamespace(reason="not_json")] * 2  # type: ignore[list-item]
    outputs[1].dropped = Counter(not_needed=1)
    for _ in range(2):
        figures.note(outputs, Counter(late=3), 0.5)
    assert (figures.records, figures.messages, figures.rows, figures.commits) == (10, 10, 10, 2)
    assert figures.rejects == {"not_json": 4}
    assert figures.dropped == {"late": 6, "not_needed": 2}
    assert figures.committed_at == 100.0
    assert (figures.commit_s.sum, figures.oldest_s.sum, figures.newest_s.sum) == (1.0, 6.0, 2.0)


def test_a_commit_of_ticks_alone_says_nothing_of_latency() -> None:
    figures = WorkerFigures()
    figures.note([Output(0, 0, 1)], Counter(), 0.1)
    assert (figures.oldest_s.count, figures.newest_s.count) == (0, 0)
