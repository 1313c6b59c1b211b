"""The worker as a process: faust gives it Kafka's records. The one module that imports faust.

Laws:
- what goes wrong ends the process at once: faust would go on behind a record that is not finished;
- told to end, it stores what is done, if that takes no longer than END_S.
"""

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from tempfile import TemporaryDirectory
from typing import Any

import faust
from faust.exceptions import ConsumerNotStarted

from kel.kafka import ensure_topic
from kel.metrics import serve
from kel.run.cityfiles import CityFiles
from kel.run.cityfolder import CityFolder
from kel.run.expose import of_worker
from kel.run.watchdog import Watchdog
from kel.run.worker import KAFKA_S, Worker
from kel.settings import Settings
from kel.topics import RAW

log = logging.getLogger("kel.worker")

LOOK_S = 5.0  # how often the watchdog looks
FOLLOW_S = 2.0  # how often it is asked whether the city's folder was loaded anew
ENDS = "the worker ends, to be started again from what is stored"
END_S = 8.0  # how long a worker that is told to end may take, whatever is away


def _app(settings: Settings, folder: str) -> faust.App:
    return faust.App(
        "kel-worker",
        datadir=folder,  # faust wants one, and KEL keeps nothing in it
        broker=f"kafka://{settings.kafka}",
        store="memory://",
        web_enabled=False,
        autodiscover=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=settings.session_s,
        broker_heartbeat_interval=settings.session_s / 5,
        broker_commit_interval=1.0,
        consumer_max_fetch_size=4 * 1024 * 1024,
        stream_wait_empty=False,
        stream_buffer_maxsize=64,
    )


def main(settings: Settings, files: CityFiles, folder: CityFolder | None = None) -> None:
    """Run a worker until it is told to end (SIGTERM, SIGINT). `folder`: what gave the files."""
    with TemporaryDirectory(prefix="kel-worker-") as data:
        kafka_id = asyncio.run(ensure_topic(settings))
        app = _app(settings, data)
        worker = Worker(settings, files, kafka_id, app, folder)
        serve(settings, lambda: of_worker(worker.figures))
        asyncio.run(worker.keep_rulebook())
        _tie(app, worker, settings)
        for name in ("faust", "mode", "aiokafka"):  # theirs is told only where they warn
            logging.getLogger(name).setLevel(logging.WARNING)
        own = {"override_logging": False, "redirect_stdouts": False}
        process = faust.Worker(app, loglevel="WARNING", quiet=True, **own)
        try:
            process.execute_from_commandline()
        except SystemExit as end:
            if end.code:  # of what ended it faust says nothing
                why = end.__context__ or process.crash_reason
                log.error("%s", ENDS, exc_info=why or False)
            raise


def _tie(app: faust.App, worker: Worker, settings: Settings) -> None:
    """What faust is to call: with each record, every few seconds, and at the end."""
    raw = app.topic(RAW, key_serializer="raw", value_serializer="raw", internal=False)
    dog = Watchdog(settings.stall_s)

    @app.agent(raw, name="line", concurrency=1)
    async def line(stream: Any) -> None:
        try:
            async for event in stream.noack().events():
                await worker.take(event)
        except Exception:
            _end()

    async def look() -> None:
        try:
            why = await worker.look(dog)
        except ConsumerNotStarted:
            return
        if why:
            log.error("%s", why)
            _end()

    _every(app, settings.commit_s, worker.commit)
    _every(app, min(LOOK_S, settings.stall_s / 3), look)
    _every(app, FOLLOW_S, worker.follow_city)

    @app.on_partitions_revoked.connect
    async def revoked(*_: object, **__: object) -> None:
        try:
            await worker.give_up()
        except Exception:
            _end()

    @app.on_before_shutdown.connect
    async def ends(*_: object, **__: object) -> None:
        late = threading.Timer(END_S, os._exit, [0])  # faust waits for a Kafka that is away
        late.daemon = True
        late.start()
        try:
            await asyncio.wait_for(worker.give_up(), KAFKA_S)
        except Exception as error:
            log.warning("what was under way is done again by the next worker: %r", error)


def _every(app: faust.App, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    @app.task
    async def again() -> None:
        try:
            while not app.should_stop:
                await asyncio.sleep(seconds)
                await work()
        except Exception:
            _end()


def _end() -> None:
    """End at once: faust would start the agent again behind a record it had not finished."""
    log.error("%s", ENDS, exc_info=_why())
    logging.shutdown()
    os._exit(1)


def _why() -> bool:
    return sys.exc_info()[0] is not None
