"""A publisher that costs next to nothing: MQTT 3.1.1 packets packed beforehand, QoS 1.

`python -m benchmarks.publisher FOLDER COUNT [--rate R] [--ago S]` publishes COUNT readings of the
lamps of the city in FOLDER, each community's over a connection of its own, since a login speaks for
its own devices only: as fast as the broker acknowledges, or R messages a second. It ends when the
last one is acknowledged, and then says when (seconds of the machine's monotonic clock) it began and
ended.

With `--logins`, the folder of logins that `kel up` prints, it begins at once. Without, it reads the
port and the passwords by login, as a line of JSON, says `ready`, and begins at the next line. By
hand:

    python -m benchmarks.city bench-city
    KEL_CITY=bench-city kel up
    python -m benchmarks.publisher bench-city 200000 --logins …/mqtt    # in another terminal

A reading's time is its moment of publishing where there is a rate, and else a second after its
device's last one, the last of all being now, or `--ago`: never ahead of its arrival, and rising.
"""

import argparse
import json
import socket
import struct
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.city import Lamp, lamps_of
from kel.run.cityfiles import read_folder

CHUNK = 100  # packets a write
WINDOW = 20_000  # of a connection: published and not yet acknowledged (packet ids are 16 bit)
IDS = 65_535
EVERY_MS = 1_000  # between two readings of a lamp, in the readings' own time


def payload(n: int, ts_ms: int) -> bytes:
    """The n-th reading: four metrics, about 100 bytes, none of which is alike; nothing is amiss.

    `hours` counts the readings, so that each can be told in the database.
    """
    power = 30 + n % 997 / 31
    return (
        f'{{"ts":{ts_ms},"dimming":{80 + n % 17 / 13:.10f},"power":{power:.13f},"failure":0,'
        f'"hours":{n}}}'
    ).encode()


def packet(topic: str, content: bytes, packet_id: int, again: bool = False) -> bytes:
    """PUBLISH at QoS 1; `again` marks what was sent before."""
    body = _text(topic) + struct.pack(">H", packet_id) + content
    return (b"\x3a" if again else b"\x32") + _length(len(body)) + body


class Connection:
    """A login's connection to the broker. A PUBACK has four bytes."""

    def __init__(self, port: int, user: str, password: str) -> None:
        """Log in; raises OSError where that fails."""
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        name = _text(f"bench-{user}")
        body = b"\x00\x04MQTT\x04\xc2\x00\x00" + name + _text(user) + _text(password)
        self.socket.sendall(b"\x10" + _length(len(body)) + body)
        answer = self.socket.recv(4)
        if len(answer) < 4 or answer[3]:
            raise ConnectionError(f"the broker refused the login {user}")
        self._sent = self._acknowledged = 0  # messages, bytes

    @property
    def waiting(self) -> int:
        """How many messages are not acknowledged yet."""
        return self._sent - self._acknowledged // 4

    def send(self, packets: bytes, count: int) -> None:
        self.socket.sendall(packets)
        self._sent += count

    def hear(self, most_waiting: int) -> None:
        """Take acknowledgements until so few messages wait for theirs."""
        while self.waiting > most_waiting:
            heard = self.socket.recv(65_536)
            if not heard:
                raise ConnectionError("the broker has gone")
            self._acknowledged += len(heard)


Planned = list[tuple[Connection, bytes, int]]  # what to write where, and how many messages it holds


def readings(lamps: Sequence[Lamp], count: int, last_ms: int) -> Iterator[tuple[Lamp, bytes]]:
    """The lamps' readings, turn by turn; those of the last turn are of `last_ms`."""
    first_ms = last_ms - (count - 1) // len(lamps) * EVERY_MS
    for n in range(count):
        turn, which = divmod(n, len(lamps))
        yield lamps[which], payload(n, first_ms + turn * EVERY_MS)


def connect(
    port: int, lamps: Sequence[Lamp], passwords: Mapping[str, str]
) -> dict[str, Connection]:
    communities = sorted({lamp.community for lamp in lamps})
    return {c: Connection(port, c, passwords[c]) for c in communities}


def plan(
    said: Iterator[tuple[Lamp, bytes]], links: Mapping[str, Connection], sent: dict[str, int]
) -> Planned:
    """Writes of `CHUNK` packets each, in the readings' order but for what shares a write."""
    planned: Planned = []
    gathered: dict[str, list[bytes]] = {community: [] for community in links}
    for lamp, content in said:
        community = lamp.community
        sent[community] = sent.get(community, 0) % IDS + 1
        gathered[community].append(packet(lamp.topic, content, sent[community]))
        if len(gathered[community]) == CHUNK:
            planned.append((links[community], b"".join(gathered[community]), CHUNK))
            gathered[community].clear()
    rest = ((links[c], b"".join(packets), len(packets)) for c, packets in gathered.items())
    return planned + [write for write in rest if write[2]]


def publish(planned: Planned, links: Mapping[str, Connection]) -> None:
    """Write all, as fast as the broker acknowledges; all are acknowledged when it returns."""
    for link, packets, count in planned:
        link.send(packets, count)
        link.hear(WINDOW)
    for link in links.values():
        link.hear(0)


def publish_paced(
    lamps: Sequence[Lamp], count: int, rate: float, links: Mapping[str, Connection]
) -> None:
    """Write `rate` messages a second, each with the moment it is written at as its time."""
    sent: dict[str, int] = {}
    began = time.monotonic()
    for n in range(count):
        ahead = began + n / rate - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
        said = [(lamps[n % len(lamps)], payload(n, time.time_ns() // 1_000_000))]
        for link, packets, one in plan(iter(said), links, sent):
            link.send(packets, one)
            link.hear(WINDOW)
    for link in links.values():
        link.hear(0)


def main() -> None:
    options = _options()
    lamps = lamps_of(read_folder(options.folder))
    port, passwords = (
        _logins(options.logins) if options.logins else json.loads(sys.stdin.readline())
    )
    links = connect(port, lamps, passwords)
    last_ms = time.time_ns() // 1_000_000 - options.ago * 1000
    said = readings(lamps, options.count, last_ms)
    planned = [] if options.rate else plan(said, links, {})
    print(json.dumps({"ready": True, "last_ms": last_ms}), flush=True)
    if not options.logins:
        sys.stdin.readline()
    began = time.monotonic()
    if options.rate:
        publish_paced(lamps, options.count, options.rate, links)
    else:
        publish(planned, links)
    print(json.dumps({"began": began, "ended": time.monotonic()}), flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.publisher")
    parser.add_argument("folder", type=Path)
    parser.add_argument("count", type=int)
    parser.add_argument("--logins", type=Path)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--ago", type=int, default=0)
    return parser.parse_args()


def _logins(folder: Path) -> tuple[int, dict[str, str]]:
    """The port and the passwords by login, as `kel up` writes them for Mosquitto's clients."""
    said = {file.parent.name: file.read_text("utf-8") for file in folder.glob("*/mosquitto_pub")}
    if not said:
        raise SystemExit(f"{folder} holds no logins: give the folder that `kel up` prints")
    options = {
        login: dict(line.split(" ", 1) for line in text.splitlines())
        for login, text in said.items()
    }
    port = next(iter(options.values()))["-p"]
    return int(port), {login: each["-P"] for login, each in options.items()}


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack(">H", len(raw)) + raw


def _length(length: int) -> bytes:
    out = bytearray()
    while True:
        length, digit = divmod(length, 128)
        out.append(digit | (0x80 if length else 0))
        if not length:
            return bytes(out)


if __name__ == "__main__":
    main()
