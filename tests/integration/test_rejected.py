"""Rejects on a real database: kept, counted, drawn together, and given to the stream again."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner, Result
from psycopg import Connection

from ingest.decoders.sparkplug_b_pb2 import Payload
from ingest.validate import ADVICE, Reason
from kel.cli import kel
from kel.model.ids import make_id
from kel.model.message import Message
from kel.model.moment import MINUTE_US, from_us, to_us
from kel.model.request import Reject
from kel.run.retry import NO_NODE, OF_CAMERA, REBORN, retry
from kel.settings import Settings
from kel.store import rejects, retries
from kel.store.connect import connect
from kel.store.maintain import forget_rejects
from kel.store.registry import Stranger, samples
from kel.store.rejects import DRAFTS, KEPT, KEPT_BYTES, put_rejects
from kel.store.retries import Like
from kel.topics import partition_of
from tests.builders.running import FOLDER, OPENED, System, wait_until

pytestmark = pytest.mark.integration

START = to_us(OPENED)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker may take its time to start on a busy machine."""
    monkeypatch.setattr("kel.cli.rejected.PATIENCE_S", 60.0)


def reject(n: int = 1, **changes: object) -> Reject:
    at = OPENED + timedelta(milliseconds=n)
    plain = Reject(make_id("reject", n), at, "x/y", b"{", 1, "not_json", "cut short", "zm-01")
    return replace(plain, **changes)  # type: ignore[arg-type]


def stranger(n: int = 1, address: str = "ab", payload: bytes = b"{}") -> Reject:
    return reject(
        n,
        reason="unknown_device",
        device=None,
        source="chirpstack",
        address=address,
        payload=payload,
        size=len(payload),
    )


def put(connection: Connection, *some: Reject) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        put_rejects(cursor, some)


def one(connection: Connection, statement: str) -> tuple[object, ...]:
    row = connection.execute(statement).fetchone()
    assert row is not None
    return tuple(row)


def counted(connection: Connection) -> object:
    return one(connection, "SELECT coalesce(sum(rejects), 0) FROM reject_count")[0]


def stored(connection: Connection) -> object:
    return one(connection, "SELECT count(*) FROM reject")[0]


def draft(connection: Connection, address: str) -> tuple[object, ...]:
    return one(connection, f"SELECT count, kept FROM draft WHERE address = '{address}'")


def test_of_a_stranger_the_first_messages_are_kept_and_all_are_counted(
    connection: Connection,
) -> None:
    many = [stranger(n) for n in range(KEPT + 50)]
    put(connection, *many[:60])
    put(connection, *many[60:], reject(1000))
    assert draft(connection, "ab") == (KEPT + 50, KEPT)
    assert (counted(connection), stored(connection)) == (KEPT + 51, KEPT + 1)
    kept = connection.execute("SELECT id FROM reject WHERE source IS NOT NULL").fetchall()
    assert {i for (i,) in kept} == {r.id for r in many[:KEPT]}


def test_a_stranger_with_large_messages_fills_no_disk(connection: Connection) -> None:
    large = b"x" * (KEPT_BYTES // 3)
    put(connection, *(stranger(n, payload=large) for n in range(10)))
    put(connection, stranger(20, "first", b"x" * KEPT_BYTES), stranger(21, "first", b"x"))
    assert draft(connection, "ab") == (10, 3)
    assert draft(connection, "first") == (2, 1)
    assert counted(connection) == 12


def test_a_sender_that_invents_addresses_fills_no_table(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rejects, "DRAFTS", 5)
    assert DRAFTS == 10_000
    put(connection, *(stranger(n, f"a{n}") for n in range(4)))
    put(connection, *(stranger(100 + n, f"b{n}") for n in range(500)), stranger(999, "a2"))
    assert one(connection, "SELECT count(*) FROM draft") == (6,)
    assert draft(connection, "a2") == (2, 2)
    assert draft(connection, "") == (499, KEPT)
    assert counted(connection) == 505
    assert stored(connection) == 5 + 1 + KEPT


def test_the_same_message_in_one_batch_twice_is_one_row_counted_twice(
    connection: Connection,
) -> None:
    put(connection, reject(1), reject(1))
    assert (counted(connection), stored(connection)) == (2, 1)


def test_what_is_forgotten_leaves_the_counts_of_days(connection: Connection) -> None:
    connection.execute("UPDATE desk SET clock = %s", [OPENED + timedelta(days=3)])
    put(connection, *(reject(n, arrival=OPENED + timedelta(hours=n)) for n in range(5)))
    put(connection, stranger(50))
    assert forget_rejects(connection, 30) == 0
    assert counted(connection) == 6
    days = "SELECT count(*), min(minute)::text FROM reject_tally WHERE writer = 0"
    assert one(connection, days) == (2, "2026-10-01 00:00:00+00")
    assert forget_rejects(connection, 1) == 6
    assert (counted(connection), one(connection, "SELECT count(*) FROM draft")) == (0, (0,))


def test_a_draft_whose_first_messages_were_forgotten_keeps_new_ones(
    connection: Connection,
) -> None:
    put(connection, *(stranger(n) for n in range(KEPT)))
    connection.execute("UPDATE desk SET clock = %s", [OPENED + timedelta(days=3)])
    late = replace(stranger(5000), arrival=OPENED + timedelta(days=3))
    put(connection, late)
    assert draft(connection, "ab") == (KEPT + 1, KEPT)
    forget_rejects(connection, 1)
    put(connection, replace(late, id=make_id("reject", "later")))
    assert draft(connection, "ab") == (KEPT + 2, 1)
    assert stored(connection) == 1


def test_workers_that_refuse_the_same_strangers_at_once_count_all_of_them(
    database: Settings, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither waits for the other for ever, whatever the order in which the strangers speak."""
    monkeypatch.setattr(rejects, "DRAFTS", 8)
    monkeypatch.setattr(rejects, "KEPT", 3)

    def work(seed: int) -> None:
        random = Random(seed)
        with connect(database) as own:
            for turn in range(40):
                some = [
                    stranger(seed * 10_000 + turn * 100 + n, f"a{random.randrange(12)}")
                    for n in range(20)
                ]
                put(own, *some, reject(seed * 10_000 + turn * 100 + 50))

    with ThreadPoolExecutor() as pool:
        list(pool.map(work, range(1, 4)))
    assert counted(connection) == 3 * 40 * 21
    assert one(connection, "SELECT sum(count) FROM draft") == (3 * 40 * 20,)
    drafts, kept = one(connection, "SELECT count(*), sum(kept) FROM draft")
    # the bounds hold but for what workers do in the same moment
    assert 8 < int(str(drafts)) <= 13
    assert stored(connection) == int(str(kept)) + 3 * 40
    assert int(str(kept)) <= 13 * 3 * 3


def test_of_two_retries_at_once_one_has_each_reject(connection: Connection) -> None:
    put(connection, reject(1), reject(2))
    ids = [make_id("reject", 1), make_id("reject", 2)]
    assert retries.mark_retried(connection, ids[:1], OPENED) == frozenset(ids[:1])
    now = datetime.now(UTC)
    connection.execute("UPDATE reject SET retried_at = now() WHERE retried_at IS NOT NULL")
    assert retries.mark_retried(connection, ids, now) == frozenset(ids[1:])


def test_each_stranger_of_one_message_has_its_draft_and_the_bytes_are_kept_once(
    connection: Connection,
) -> None:
    both = (("chirpstack", "ab"), ("chirpstack", "cd"))
    put(connection, replace(stranger(1), strangers=both, partly=True), stranger(2))
    put(connection, *(stranger(n) for n in range(3, KEPT + 20)))
    put(connection, replace(stranger(900), strangers=both, partly=True))
    assert (draft(connection, "ab"), draft(connection, "cd")) == ((KEPT + 20, KEPT + 1), (2, 2))
    assert (counted(connection), stored(connection)) == (KEPT + 20, KEPT + 1)
    again = Like(source="chirpstack", address="cd")
    found = [r.id for some in retries.in_order(connection, again, 10) for r in some]
    assert found == [make_id("reject", 1), make_id("reject", 900)]
    assert retries.standing(connection, found) == (0, 2)
    strange = Stranger("chirpstack", "cd", OPENED, OPENED, 2, 2, "x/y")
    assert len(samples(connection, [strange])["chirpstack", "cd"]) == 2
    with connection.transaction(), connection.cursor() as cursor:  # one of them was adopted
        retries.mark_retried(connection, found, OPENED)
        put_rejects(cursor, [replace(stranger(1, "cd"), partly=False)])
    assert retries.standing(connection, found) == (1, 0)
    assert draft(connection, "cd") == (2, 2)


def test_of_a_strange_camera_all_messages_are_counted_and_one_row_stands_for_them(
    connection: Connection,
) -> None:
    """No byte of them is there to be kept."""
    seen = [replace(stranger(n), source="frigate", payload=b"", size=500) for n in range(30)]
    put(connection, *seen[:10])
    put(connection, *seen[10:])
    assert draft(connection, "ab") == (30, 1)
    assert (counted(connection), stored(connection)) == (30, 1)


# the command


def run(system: System, *arguments: str, city: Path = FOLDER) -> Result:
    environment = {**system.environment("kel-desk"), "KEL_CITY": str(city)}
    return CliRunner().invoke(kel, ["rejected", *arguments], env=environment)


def test_the_list_tells_who_why_and_what_to_do(system: System, connection: Connection) -> None:
    put(connection, *(reject(n) for n in range(3)), *(stranger(10 + n) for n in range(KEPT + 7)))
    put(connection, reject(500, device=None, topic="x/\x1b[2Jy", reason="unknown_topic"))
    told = run(system, "list")
    assert told.exit_code == 0, told.output
    assert "Απορρίψεις: 111 συνολικά, 104 με το περιεχόμενό τους" in told.output
    assert "Μη έγκυρο JSON" in told.output
    assert "zm-01" in told.output
    assert "107 (κρατ. 100)" in told.output
    assert "x/\\u001b[2Jy" in told.output
    assert "\x1b[2J" not in told.output
    assert f"(unknown_device)\n{ADVICE[Reason.UNKNOWN_DEVICE].action}\n" in told.output
    only = run(system, "list", "--reason", "not_json", "--json")
    (group,) = json.loads(only.output)
    assert (group["kept"], group["remedy"]) == (3, ADVICE[Reason.NOT_JSON].remedy)


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (b'{"a":{"b":1}}', '  "a": {'),
        ("Μαρία\x1b[31m".encode(), "Μαρία\\u001b[31m"),
        (bytes(range(32)), "000000  00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f"),
        (b"", "Μέγεθος       0 byte"),
    ],
)
def test_a_payload_is_shown_and_moves_nothing(
    system: System, connection: Connection, payload: bytes, told: str
) -> None:
    put(connection, reject(1, payload=payload, size=len(payload)))
    shown = run(system, "show", str(make_id("reject", 1))[:8])
    assert shown.exit_code == 0, shown.output
    assert told in shown.output
    assert f"Τι να γίνει   {ADVICE[Reason.NOT_JSON].action}" in shown.output
    assert "\x1b" not in shown.output


def test_a_cameras_message_is_shown_without_what_it_said(
    system: System, connection: Connection
) -> None:
    put(connection, reject(1, topic="frigate/events", payload=b"", size=500))
    shown = run(system, "show", str(make_id("reject", 1))[:8])
    assert shown.exit_code == 0, shown.output
    assert "500 byte, κρατήθηκαν 0" in shown.output


def test_what_is_not_there_is_said(system: System) -> None:
    assert "there is no such reject" in str(run(system, "show", "ffff").exception)
    assert "say which" in run(system, "retry").output
    assert "neither a time" in run(system, "retry", "--since", "soon").output


# giving them to the stream again


def flow(minute: int, value: str) -> Message:
    at = START + minute * MINUTE_US
    payload = f'{{"ts": {at // 1000}, "flow": {value}}}'.encode()
    return Message("kel/v1/agios-stefanos/zm-01/telemetry", payload, at)


def refused(message: Message, reason: str = "out_of_range", **changes: object) -> Reject:
    digest = sha1(message.payload).hexdigest()
    plain = reject(
        id=make_id("reject", message.arrival, message.topic, digest),
        arrival=from_us(message.arrival),
        topic=message.topic,
        payload=message.payload,
        size=len(message.payload),
        reason=reason,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def stand(connection: Connection) -> int:
    return int(str(one(connection, "SELECT coalesce(sum(next), 0) FROM progress")[0]))


def test_what_is_right_by_now_is_taken_and_what_is_not_stays(
    system: System, connection: Connection
) -> None:
    good, bad = flow(1, "7.5"), flow(2, "99999")
    put(connection, refused(good), refused(bad), refused(flow(3, "1"), size=10**6))
    put(connection, refused(flow(4, "1"), "contradiction"), reject(9, reason="wrong_crew"))
    put(connection, reject(10, topic="spBv1.0/g/DDATA/n/d", reason="no_birth"))
    dry = run(system, "retry", "--all", "--dry-run")
    assert "Θα δίνονταν ξανά στη ροή: 2\n" in dry.output
    assert "Μένουν ως έχουν: 1, κρατήθηκαν μόνο τα πρώτα 64 KiB τους" in dry.output
    system.start("worker")
    told = run(system, "retry", "--all")
    assert told.exit_code == 0, told.output
    assert "Δεκτά: 1\nΑπορρίφθηκαν ξανά: 1" in told.output
    assert one(connection, "SELECT flow FROM reading_zone") == (7.5,)
    left = connection.execute("SELECT reason FROM reject ORDER BY arrival, reason").fetchall()
    assert sorted(r for (r,) in left) == sorted(
        ["no_birth", "wrong_crew", "out_of_range", "out_of_range", "contradiction"]
    )
    assert one(connection, "SELECT count(retried_at) FROM reject") == (0,)
    assert counted(connection) == 6  # nothing is counted a second time
    again = run(system, "retry", "--all")
    assert "Δεκτά: 0\nΑπορρίφθηκαν ξανά: 1" in again.output
    assert one(connection, "SELECT count(*), max(flow) FROM reading_zone") == (1, 7.5)
    assert counted(connection) == 6


def test_without_a_worker_they_wait_and_a_second_retry_gives_none_twice(
    system: System, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kel.cli.rejected.PATIENCE_S", 0.1)
    put(connection, *(refused(flow(n, "5")) for n in range(4)))
    assert "Περιμένουν στον Kafka: 4" in run(system, "retry", "--device", "zm-01").output
    assert "Τίποτε να δοθεί ξανά" in run(system, "retry", "--device", "zm-01").output
    assert "(ξανά 4)" in run(system, "list").output
    partition = partition_of("zone:z01", system.settings().partitions)
    records = system.records()
    assert len(records[partition]) == 4
    assert all(b.bridge == "" and b.tick is None for b in records[partition])
    system.start("worker")
    wait_until(lambda: stand(connection) == 4, what="the worker")
    assert "Τίποτε να δοθεί ξανά" in run(system, "retry", "--device", "zm-01").output
    assert stored(connection) == 0
    assert one(connection, "SELECT count(*) FROM reading_zone") == (4,)


def test_a_retry_that_broke_off_is_done_again_and_nothing_is_lost(
    system: System, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(connection, refused(flow(1, "5")))

    async def broken(*_: object) -> list[int]:
        raise ConnectionError("no Kafka")

    with monkeypatch.context() as patched:
        patched.setattr("kel.run.retry.write", broken)
        assert isinstance(run(system, "retry", "--all").exception, ConnectionError)
    assert stored(connection) == 1
    assert "Τίποτε" in run(system, "retry", "--all").output  # perhaps it is under way
    connection.execute("UPDATE reject SET retried_at = retried_at - interval '2 minutes'")
    system.start("worker")
    assert "Δεκτά: 1" in run(system, "retry", "--all").output


def test_a_partition_begun_anew_makes_nothing_count_as_taken(
    system: System, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after `kel doctor --forget-topic`, when records may be passed over."""
    monkeypatch.setattr("kel.cli.rejected.PATIENCE_S", 0.1)
    put(connection, refused(flow(1, "5")))
    run(system, "retry", "--all")
    insert = "INSERT INTO progress VALUES ('kel.raw', %s, %s, %s)"
    partition = partition_of("zone:z01", system.settings().partitions)
    connection.execute(insert, [partition, "another Kafka", 10])
    run(system, "list")
    assert "Τίποτε" in run(system, "retry", "--all").output
    assert stored(connection) == 1  # another Kafka's progress says nothing of this one
    connection.execute("DELETE FROM progress")
    connection.execute(insert, [partition, system.kafka_id, 10])
    run(system, "retry", "--all", "--dry-run")
    assert one(connection, "SELECT count(*), count(retried_at) FROM reject") == (1, 0)


def test_a_message_refused_again_tells_its_new_reason(
    system: System, connection: Connection
) -> None:
    """It was of a stranger; now the device is there, and what it said is no JSON."""
    message = Message("kel/v1/agios-stefanos/zm-01/telemetry", b"{", START)
    put(
        connection,
        refused(message, "unknown_device", device=None, source="kel", address="zm-01"),
    )
    system.start("worker")
    run(system, "retry", "--address", "zm-01")
    assert one(connection, "SELECT reason, device FROM reject") == ("not_json", "zm-01")
    assert counted(connection) == 1


def test_a_batch_keeps_the_time_of_arrival(system: System, connection: Connection) -> None:
    put(connection, refused(flow(7, "5")))
    system.start("worker")
    run(system, "retry", "--all")
    assert one(connection, "SELECT arrival = time, arrival FROM reading_zone") == (
        True,
        OPENED + timedelta(minutes=7),
    )


def commands(connection: Connection) -> list[tuple[object, ...]]:
    return connection.execute("SELECT topic, raw FROM outbox ORDER BY topic").fetchall()


def test_edge_nodes_of_the_city_are_asked_for_a_rebirth_once_a_minute(
    system: System, connection: Connection
) -> None:
    """Of Sparkplug nothing is given again, and what a camera said is not there."""
    device = next(d for d in system.city.devices.values() if d.source == "sparkplug")
    group, node, *_ = device.address.split("/")
    topics = [f"spBv1.0/{group}/DDATA/{node}/{n}" for n in range(3)]
    topics += [f"spBv1.0/{group}/NDATA/{node}", "spBv1.0/x/DDATA/y/z", "frigate/events"]
    put(connection, *(reject(n, topic=t, reason="bad_unit") for n, t in enumerate(topics)))
    run(system, "retry", "--all", "--dry-run")
    assert commands(connection) == []
    connection.execute(
        "INSERT INTO progress VALUES ('kel.raw', 0, %s, 0, %s)", [system.kafka_id, OPENED]
    )
    for _ in range(2):
        told = run(system, "retry", "--all")
        assert told.exit_code == 0, told.output
    ((topic, payload),) = commands(connection)
    assert topic == f"spBv1.0/{group}/NCMD/{node}"
    (metric,) = Payload.FromString(bytes(payload)).metrics
    assert (metric.name, metric.boolean_value) == ("Node Control/Rebirth", True)
    assert stored(connection) == len(topics)
    left = retry(system.settings("kel-desk"), connection, system.city, Like()).left
    assert left == {REBORN: 4, NO_NODE: 1, OF_CAMERA: 1}
