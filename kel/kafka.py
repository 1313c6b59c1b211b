"""Kafka's topics: made before anybody reads (faust ignores one that is missing at its start)."""

import asyncio
import logging
import time
from collections.abc import Sequence
from datetime import timedelta

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from kel.settings import Settings
from kel.topics import RAW

log = logging.getLogger("kel.kafka")

RETENTION_MS = 7 * 24 * 3600 * 1000


async def ensure_topic(settings: Settings, timeout_s: float = 60.0) -> str:
    """Make `kel.raw` where it is missing; returns the id of the Kafka that holds it.

    Raises ValueError where the topic has another number of partitions than the settings.
    """
    admin = await _admin(settings, timeout_s)
    try:
        if RAW not in await admin.list_topics():
            await _create(admin, settings.partitions)
        partitions = await _partitions(admin, timeout_s)
        if partitions != settings.partitions:
            raise ValueError(
                f"the topic {RAW} has {partitions} partitions, KEL_PARTITIONS says "
                f"{settings.partitions}: the number is fixed when the topic is made"
            )
        cluster = await admin.describe_cluster()
        return str(cluster["cluster_id"])
    finally:
        await admin.close()


async def describe_topic(settings: Settings, timeout_s: float = 60.0) -> int | None:
    """How many partitions `kel.raw` has, or None where it is missing. Changes nothing."""
    admin = await _admin(settings, timeout_s)
    try:
        if RAW not in await admin.list_topics():
            return None
        return await _partitions(admin, timeout_s)
    finally:
        await admin.close()


async def end_offsets(settings: Settings, timeout_s: float = 60.0) -> dict[int, int]:
    """By partition of `kel.raw`: the offset that its next record will get."""
    deadline = time.monotonic() + timeout_s
    partitions = [TopicPartition(RAW, p) for p in range(settings.partitions)]
    while True:
        consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka, client_id="kel-ends")
        try:
            await consumer.start()
            ends = await consumer.end_offsets(partitions)
            return {tp.partition: end for tp, end in ends.items()}
        except KafkaError as error:
            if time.monotonic() > deadline:
                raise ConnectionError(f"no Kafka at {settings.kafka}: {error}") from error
            log.info("waiting for Kafka at %s", settings.kafka)
            await asyncio.sleep(0.5)
        finally:
            await consumer.stop()


async def held(settings: Settings) -> dict[int, tuple[int, int]]:
    """By partition of `kel.raw`: its first record and the offset that its next one will get.

    Raises KafkaError where Kafka does not answer; tries once.
    """
    partitions = [TopicPartition(RAW, p) for p in range(settings.partitions)]
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka, client_id="kel-held")
    try:
        await consumer.start()
        first = await consumer.beginning_offsets(partitions)
        end = await consumer.end_offsets(partitions)
        return {tp.partition: (first[tp], end[tp]) for tp in partitions}
    finally:
        await consumer.stop()


async def retention(settings: Settings, timeout_s: float = 60.0) -> timedelta:
    """How long Kafka keeps the records of `kel.raw`; without a limit, the longest there is."""
    admin = await _admin(settings, timeout_s)
    try:
        asked = ConfigResource(ConfigResourceType.TOPIC, RAW)
        (answer,) = await admin.describe_configs([asked])
        (resource,) = answer.resources
        values = {entry[0]: entry[1] for entry in resource[4]}
        ms = int(values["retention.ms"])
        return timedelta.max if ms < 0 else timedelta(milliseconds=ms)
    finally:
        await admin.close()


async def write(settings: Settings, records: Sequence[tuple[int, bytes]]) -> list[int]:
    """Put records (partition, bytes) into `kel.raw`; returns their offsets once Kafka has all.

    Raises ConnectionError where it has not: some of them may be there then.
    """
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka,
        client_id="kel-write",
        acks="all",
        enable_idempotence=True,  # what is sent again is not there twice
    )
    try:
        await producer.start()
        under_way = [await producer.send(RAW, record, partition=p) for p, record in records]
        return [(await sent).offset for sent in under_way]
    except KafkaError as error:
        raise ConnectionError(f"no Kafka at {settings.kafka}: {error}") from error
    finally:
        await producer.stop()


async def _admin(settings: Settings, timeout_s: float) -> AIOKafkaAdminClient:
    deadline = time.monotonic() + timeout_s
    while True:
        admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka, client_id="kel-admin")
        try:
            await admin.start()
            return admin
        except KafkaError as error:
            await admin.close()
            if time.monotonic() > deadline:
                raise ConnectionError(f"no Kafka at {settings.kafka}: {error}") from error
            log.info("waiting for Kafka at %s", settings.kafka)
            await asyncio.sleep(0.5)


async def _create(admin: AIOKafkaAdminClient, partitions: int) -> None:
    cluster = await admin.describe_cluster()
    topic = NewTopic(
        RAW,
        num_partitions=partitions,
        replication_factor=min(3, len(cluster["brokers"])),
        topic_configs={
            "retention.ms": str(RETENTION_MS),
            "max.message.bytes": str(2 * 1024 * 1024),
        },
    )
    answer = await admin.create_topics([topic])
    for _, code, *_ in answer.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            raise error(f"the topic {RAW} could not be made")


async def _partitions(admin: AIOKafkaAdminClient, timeout_s: float) -> int:
    """The number of partitions, once all have a leader."""
    deadline = time.monotonic() + timeout_s
    while True:
        (topic,) = await admin.describe_topics([RAW])
        found = topic["partitions"]
        if found and all(p["leader"] >= 0 for p in found):
            return len(found)
        if time.monotonic() > deadline:
            raise ConnectionError(f"the topic {RAW} has partitions without a leader")
        await asyncio.sleep(0.2)
