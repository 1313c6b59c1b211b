"""What is wrong with this installation: one line a problem, each with what to do.

Laws:
- a check asks one thing and changes nothing; one that cannot be asked (the database is away) is
  not reported as a second problem;
- a line says what was found, what was expected, and the command or setting that mends it;
- a part that does not answer costs a bounded time: the parts are asked side by side, and one that
  is not done after `LIMIT_S` is itself the problem.
"""

import os
import resource
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from kel.model.mistake import MistakesError
from kel.mqtt import BrokerError, Link
from kel.run.cityfiles import load_city_files
from kel.run.doctor_database import database_problems
from kel.run.doctor_kafka import kafka_problems
from kel.settings import Settings
from kel.topics import BRIDGE, UPLINK, overlap

LIMIT_S = 13.0
PROBE_S = 3.0
LEAST_DISK_GB = 5
LEAST_FILES = 4096
OLDEST_MOSQUITTO = (2, 0)
VERSION = "$SYS/broker/version"
BRIDGES = BRIDGE.format(bridge="+")

Problems = Iterator[str]


def problems(settings: Settings, limit_s: float = LIMIT_S) -> list[str]:
    """Every problem found, the ground first, then the parts, then what they hold."""
    checks: Mapping[str, Callable[[], Problems]] = {
        "this machine": _machine,
        "the city's folder": lambda: _city(settings),
        "MQTT": lambda: _broker(settings),
        "Kafka": lambda: _kafka(settings),
        "the database": lambda: _database(settings),
    }
    asked = [_Asked(name, check) for name, check in checks.items()]
    deadline = time.monotonic() + limit_s
    return [line for one in asked for line in one.answer(deadline)]


class _Asked:
    """A part that is being asked, in a thread that nobody needs to wait for."""

    def __init__(self, name: str, check: Callable[[], Problems]) -> None:
        self._name = name
        self._check = check
        self._found: list[str] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            for line in self._check():
                self._found.append(line)
        except Exception as error:  # one part's surprise must not hide the others' problems
            text = str(error).strip().splitlines() or ["(no text)"]
            self._found.append(f"{self._name}: unforeseen {type(error).__name__}: {text[0]}")

    def answer(self, deadline: float) -> list[str]:
        self._thread.join(max(0.0, deadline - time.monotonic()))
        found = list(self._found)
        if self._thread.is_alive():
            found.append(f"{self._name}: no answer in time; is that machine overloaded or hung?")
        return found


def _machine() -> Problems:
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files < LEAST_FILES:
        yield (
            f"only {files} files may be open: raise it to {LEAST_FILES} or more "
            f"(`ulimit -n {LEAST_FILES}`, allowed up to {most}, or LimitNOFILE= of the service)"
        )
    for folder in _disks(Path.cwd(), Path(tempfile.gettempdir())):
        free = shutil.disk_usage(folder).free / 1e9
        if free < LEAST_DISK_GB:
            yield f"only {free:.1f} GB are free on the disk of {folder}: make it {LEAST_DISK_GB}"


def _disks(*folders: Path) -> list[Path]:
    """One folder for each disk."""
    return list({folder.stat().st_dev: folder for folder in reversed(folders)}.values())[::-1]


def _city(settings: Settings) -> Problems:
    try:
        load_city_files(settings)
    except MistakesError as error:
        many = len(error.mistakes)
        found = f"{many} mistakes, the first is" if many > 1 else "a mistake:"
        yield (
            f"the city's folder {settings.city} has {found} {error.mistakes[0]} "
            f"(all: `kel check {settings.city}`)"
        )


def reach(host: str, port: int, part: str, setting: str) -> str | None:
    """Why nobody can be spoken to there, or None. Tells a stopped part from a firewall."""
    where = f"{part} at {host}:{port}"
    try:
        socket.create_connection((host, port), PROBE_S).close()
    except socket.gaierror:
        return f"{where}: the host name is unknown: set {setting}"
    except TimeoutError:
        return f"{where} did not answer for {PROBE_S:.0f} s: a firewall between, or set {setting}"
    except ConnectionRefusedError:
        return f"{where}: nobody listens there: start it, or set {setting}"
    except (OSError, OverflowError) as error:
        return f"{where} cannot be reached ({error}): set {setting}"
    return None


def _broker(settings: Settings) -> Problems:
    setting = "KEL_MQTT_HOST, KEL_MQTT_PORT"
    away = reach(settings.mqtt_host, settings.mqtt_port, "the MQTT broker", setting)
    if away:
        yield away
        return
    link = Link(
        settings, f"kel-doctor-{os.getpid()}", (*UPLINK, BRIDGES, VERSION), keep_session=False
    )
    try:
        link.open(timeout_s=5)
    except BrokerError as error:
        yield f"{error} (asked as KEL_MQTT_USER={settings.mqtt_user})"
        return
    try:
        said = _hear(link, VERSION)
    finally:
        link.close()
    yield from _version(said.get(VERSION), settings.mqtt_user)
    for topic, state in said.items():
        if overlap(topic, BRIDGES) and state == "offline":
            yield f"a bridge is not connected ({topic} says offline): start `kel bridge`"


def _version(said: str | None, user: str) -> Problems:
    if said is None:
        yield (
            f"the broker tells {user or 'nobody'} nothing of itself: ask as the bridge does "
            "(KEL_MQTT_USER=kel-bridge), and let it `topic read $SYS/#` in the acl file"
        )
        return
    number = said.split()[-1].split(".") if said.split() else []
    if len(number) < 2 or not all(n.isdigit() for n in number[:2]):
        return  # another broker than Mosquitto: it speaks MQTT 5, or it had refused us
    if tuple(int(n) for n in number[:2]) < OLDEST_MOSQUITTO:
        yield f"{said} is too old: KEL needs Mosquitto 2.0 or newer"


def _hear(link: Link, last: str, timeout_s: float = 3.0) -> dict[str, str]:
    """What is said, by topic, until something is said on `last`."""
    said: dict[str, str] = {}
    deadline = time.monotonic() + timeout_s
    while last not in said and time.monotonic() < deadline:
        for message in link.receive():
            said[message.topic] = message.payload.decode("utf-8", "replace")
        time.sleep(0.05)
    return said


def _kafka(settings: Settings) -> Problems:
    away = [_reach_kafka(server) for server in settings.kafka.split(",")]
    if all(away):
        yield str(away[0])
        return
    yield from kafka_problems(settings)


def _reach_kafka(server: str) -> str | None:
    host, _, port = server.strip().rpartition(":")
    if not host or not port.isdigit():
        return f"KEL_KAFKA={server} is not host:port"
    return reach(host.strip("[]"), int(port), "Kafka", "KEL_KAFKA")


def _database(settings: Settings) -> Problems:
    yield from database_problems(
        settings, lambda host, port: reach(host, port, "PostgreSQL", "KEL_DATABASE")
    )
