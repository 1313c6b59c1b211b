"""`kel up` as a person uses it: two at once, messages good and bad, Ctrl-C, and a kill -9."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import orjson
import psycopg
import pytest

from kel.kafka import describe_topic
from kel.mqtt import BrokerError, Link
from kel.settings import Settings
from kel.stack.folder import make_folder, remove_folder
from kel.store.connect import connect
from tests.builders.running import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.processes]

START_S = 60.0
END_S = 20.0


class Up:
    """A `kel up`, and what it has said."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "kel.cli", "up"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "KEL_LAMPS_PER_FEEDER": "4"},
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        self.said: list[str] = []
        self.partitions: int | None = None  # that Kafka had of the topic when it said it was up
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        self.said.extend(line for line in self.process.stdout)

    def ready(self) -> "Up":
        wait_until(
            lambda: self.process.poll() is not None or any("kel doctor" in s for s in self.said),
            START_S,
            "kel up is up",
        )
        assert self.process.poll() is None, self.said
        self.partitions = asyncio.run(describe_topic(self.settings()))
        return self

    @property
    def folder(self) -> Path:
        (line,) = [line for line in self.said if line.startswith("  logs")]
        return Path(line.split()[1]).parent

    def environment(self) -> dict[str, str]:
        """The file's variables, as a shell reads them."""
        said = subprocess.run(
            ["/bin/sh", "-c", f". {self.folder}/env && env"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        pairs = (line.split("=", 1) for line in said.splitlines() if line.startswith("KEL_"))
        return dict(pairs)

    def settings(self) -> Settings:
        return Settings.model_validate(
            {k.removeprefix("KEL_").lower(): v for k, v in self.environment().items()}
        )

    def publish(self, login: str, topic: str, payload: bytes) -> None:
        """As a gateway that reads its options file."""
        options = dict(
            line.split(" ", 1)
            for line in (self.folder / f"mqtt/{login}/mosquitto_pub").read_text().splitlines()
        )
        assert options["-u"] == login
        link = Link(
            self.settings(), "gateway", user=login, password=options["-P"], keep_session=False
        )
        with link:
            link.publish([(topic, payload)])

    def rows(self, question: str) -> list[tuple[object, ...]]:
        with connect(self.settings()) as connection:
            return connection.execute(question.encode()).fetchall()

    def family(self) -> list[int]:
        """It and all that it started."""
        return [self.process.pid, *_children_of(self.process.pid)]


def _children_of(parent: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def _lives(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def _gone(processes: list[int]) -> Callable[[], bool]:
    return lambda: not any(_lives(p) for p in processes)


@pytest.fixture(scope="module")
def ups() -> Iterator[tuple[Up, Up]]:
    """Two at once."""
    both = (Up(), Up())
    try:
        yield (both[0].ready(), both[1].ready())
    finally:
        for up in both:
            if up.process.poll() is None:
                up.process.terminate()
                up.process.wait(END_S)


def kel(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kel.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_it_says_what_can_be_done_and_no_secret(ups: tuple[Up, Up]) -> None:
    up, other = ups
    said = "".join(up.said)
    for word in ("mosquitto_pub", "mosquitto_sub", "Ctrl-C", f"{up.folder}/env", "PostgreSQL"):
        assert word in said
    secrets = {v for k, v in up.environment().items() if k.endswith("PASSWORD")}
    assert len(secrets) == 2
    assert not any(secret in said for secret in secrets)
    for file in (up.folder / "env", up.folder / "mqtt/anoixi/mosquitto_pub"):
        assert file.stat().st_mode & 0o077 == 0
    arguments = b"".join(Path(f"/proc/{p}/cmdline").read_bytes() for p in up.family())
    assert not any(secret.encode() in arguments for secret in secrets)
    assert up.folder != other.folder


def test_it_says_that_it_is_up_once_the_bridge_has_made_the_topic(ups: tuple[Up, Up]) -> None:
    assert [up.partitions for up in ups] == [up.settings().partitions for up in ups]


def test_its_environment_is_a_healthy_installation(ups: tuple[Up, Up]) -> None:
    for up in ups:
        told = kel("doctor", **up.environment())
        assert (told.stdout, told.returncode) == ("✓ nothing is wrong\n", 0)


@pytest.mark.parametrize(
    ("community", "device", "payload", "reason"),
    [
        ("agios-stefanos", "zm-01", b'{"ts": %d, "flow": 3.5}', None),
        ("agios-stefanos", "nobody-9", b'{"ts": %d, "flow": 3.5}', "unknown_device"),
        ("agios-stefanos", "zm-01", b'{"ts": %d, "flow": NaN}', "not_finite"),
        ("agios-stefanos", "zm-01", b"x" * 5_000_000, "too_large"),
        ("drosia", "zm-01", b'{"ts": %d, "flow": 3.5}', "identity_mismatch"),
    ],
)
def test_what_a_gateway_sends_is_a_reading_or_a_reject_with_its_reason(
    ups: tuple[Up, Up], community: str, device: str, payload: bytes, reason: str | None
) -> None:
    up = ups[0]
    now = int(datetime.now(UTC).timestamp() * 1000)
    payload = payload % now if b"%d" in payload else payload
    up.publish(community, f"kel/v1/{community}/{device}/telemetry", payload)
    if reason is None:
        wait_until(lambda: up.rows("SELECT flow FROM reading_zone") == [(3.5,)], 10)
    else:
        wait_until(lambda: up.rows(f"SELECT FROM reject WHERE reason = '{reason}'"), 10, reason)
        assert len(up.rows("SELECT FROM reading_zone")) <= 1
    assert ups[1].rows("SELECT FROM reject") == []


def test_a_login_speaks_for_its_own_community_alone(ups: tuple[Up, Up]) -> None:
    up = ups[0]
    with suppress(BrokerError):  # a refusal may be told, or not
        up.publish("drosia", "kel/v1/kryoneri/zm-01/telemetry", b"{}")
    before = len(up.rows("SELECT FROM reject"))
    up.publish("kryoneri", "kel/v1/kryoneri/nobody-7/telemetry", b"{}")
    wait_until(lambda: len(up.rows("SELECT FROM reject")) > before, 10)
    topics = [topic for (topic,) in up.rows("SELECT topic FROM reject")]
    assert "kel/v1/kryoneri/zm-01/telemetry" not in topics


def test_a_pump_that_loses_head_becomes_an_order_and_is_acknowledged(ups: tuple[Up, Up]) -> None:
    """Rules go by the readings' own time: half an hour of it needs no half hour."""
    up = ups[1]
    now = int(datetime.now(UTC).timestamp() * 1000)
    readings = [
        {"ts": now - minute * 60_000, "head": 20.0, "running": 1} for minute in range(25, 0, -1)
    ]
    up.publish("drosia", "kel/v1/drosia/ps-11/telemetry", orjson.dumps(readings))
    wait_until(lambda: up.rows("SELECT FROM work_order WHERE state = 'sent'"), 20, "an order")
    told = kel("incidents", "ack", _number(up), **up.environment())
    assert told.returncode == 0, told.stderr
    ((who,),) = up.rows("SELECT who FROM incident_event WHERE what = 'acknowledged'")
    assert who != "kel"
    listed = kel("incidents", "list", **up.environment()).stdout
    assert "αναγνωρισμένο" in listed
    assert "Αντλιοστάσια, στάλθηκε" in listed


def _number(up: Up) -> str:
    ((number,),) = up.rows("SELECT number FROM incident")
    return str(number)


# the end of both; keep these last, in this order


def test_after_a_kill_9_nothing_of_it_lives_and_the_next_start_clears_up(
    ups: tuple[Up, Up],
) -> None:
    up, killed = ups
    family, folder = killed.family(), killed.folder
    assert len(family) == 7
    os.kill(killed.process.pid, signal.SIGKILL)
    killed.process.wait(5)
    wait_until(_gone(family), END_S, "its children end")
    assert folder.exists()
    remove_folder(make_folder())
    assert not folder.exists()
    assert all(_lives(p) for p in up.family())
    # commands find the one that runs
    environment = {k: v for k, v in os.environ.items() if not k.startswith("KEL_")}
    told = subprocess.run(
        [sys.executable, "-m", "kel.cli", "incidents", "list"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert "Συμβάντα" in told.stdout


def test_ctrl_c_ends_everything(ups: tuple[Up, Up]) -> None:
    up, _ = ups
    family, folder, settings = up.family(), up.folder, up.settings()
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(END_S) == 0
    assert _gone(family)()
    assert not folder.exists()
    with pytest.raises(psycopg.OperationalError):
        connect(settings)
    wait_until(lambda: up.said[-1:] == ["everything has ended\n"], 5)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_may_be_ended_while_it_starts(number: signal.Signals, code: int) -> None:
    up = Up()
    wait_until(lambda: any("starting" in line for line in up.said), START_S)
    family = up.family()
    up.process.send_signal(number)
    assert up.process.wait(END_S) == code
    wait_until(_gone(family), 5)
    wait_until(lambda: up.said[-1:] and up.said[-1].startswith("kel: "), 5)
    assert not any("Traceback" in line for line in up.said)
