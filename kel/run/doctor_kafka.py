"""What is wrong with Kafka and its topic, for `kel doctor`. Changes nothing."""

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import psycopg
from aiokafka.errors import KafkaError

from kel.kafka import describe_topic, ensure_topic
from kel.settings import Settings
from kel.store.connect import connect
from kel.topics import RAW

ANSWER_S = 4.0  # for each of two questions
T = TypeVar("T")


def kafka_problems(settings: Settings) -> Iterator[str]:
    """Problems of a Kafka at whose address somebody listens."""
    try:
        found = _ask(describe_topic(settings, timeout_s=3))
        if found is None:
            yield f"Kafka has no topic {RAW}: start `kel bridge` once, which makes it"
        elif found != settings.partitions:
            yield (
                f"the topic {RAW} has {found} partitions, KEL_PARTITIONS says "
                f"{settings.partitions}: set KEL_PARTITIONS={found}"
            )
        else:
            # the topic is there and as wanted: this makes nothing, and tells whose it is
            yield from _followed(settings, _ask(ensure_topic(settings, timeout_s=3)))
    except (TimeoutError, ConnectionError, KafkaError) as error:
        told = str(error).splitlines()[0] if str(error) else type(error).__name__
        yield (
            f"Kafka at {settings.kafka} listens, but does not answer as it should ({told}): is "
            "it up, and do its advertised.listeners name an address that this machine reaches?"
        )


def _ask(question: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(question, ANSWER_S))


def _followed(settings: Settings, kafka: str) -> Iterator[str]:
    """Whether the store has followed this Kafka, or one that is gone."""
    try:
        with connect(settings) as connection:
            rows = connection.execute(
                "SELECT DISTINCT topic_id FROM progress WHERE topic = %s", [RAW]
            ).fetchall()
    except psycopg.Error:
        return  # told with the database
    if any(followed != kafka for (followed,) in rows):
        yield (
            f"the topic {RAW} was made anew, the database has followed another one: workers "
            "refuse to start. If the old one's records are lost on purpose, run "
            "`kel doctor --forget-topic`"
        )
