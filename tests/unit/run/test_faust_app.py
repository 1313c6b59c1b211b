"""What a worker's log says when faust ends it: faust itself says nothing."""

import logging
import sys
from typing import Any

import pytest

from kel.run import faust_app
from kel.run.faust_app import ENDS, main


class Faust:
    """In the place of faust's own worker: ends as it is told to."""

    crash_reason: BaseException | None = None
    error: Exception | None = None
    code = 0

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def execute_from_commandline(self) -> None:
        try:
            if self.error:
                raise self.error
        except Exception:
            sys.exit(1)
        sys.exit(self.code)


class Idle:
    figures = None

    def __init__(self, *_: object) -> None:
        pass

    async def keep_rulebook(self) -> None:
        pass


async def topic(_: object) -> str:
    return "kafka"


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    stubs: dict[str, Any] = {
        "ensure_topic": topic,
        "Worker": Idle,
        "_app": lambda *_: None,
        "_tie": lambda *_: None,
        "serve": lambda *_: None,
    }
    for name, stub in stubs.items():
        monkeypatch.setattr(faust_app, name, stub)
    monkeypatch.setattr(faust_app.faust, "Worker", Faust)


GONE = ConnectionError("the coordinator is gone")


@pytest.mark.parametrize(
    ("error", "crash", "code", "told"),
    [
        (None, None, 0, []),
        (GONE, None, 1, [GONE]),
        (None, GONE, 1, [GONE]),
        (None, None, 1, [None]),
    ],
    ids=["told to end", "an error while it ended", "a crash", "who knows"],
)
@pytest.mark.usefixtures("alone")
def test_the_log_says_why_it_ended(
    error: Exception | None,
    crash: Exception | None,
    code: int,
    told: list[Exception | None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for name, value in {"error": error, "crash_reason": crash, "code": code}.items():
        monkeypatch.setattr(Faust, name, value)
    with caplog.at_level(logging.ERROR, "kel.worker"), pytest.raises(SystemExit) as ended:
        main(None, None)  # type: ignore[arg-type]
    assert ended.value.code == code
    assert [r.getMessage() for r in caplog.records] == [ENDS] * len(told)
    assert [r.exc_info[1] if r.exc_info else None for r in caplog.records] == told
