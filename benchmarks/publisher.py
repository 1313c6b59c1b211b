"""A publisher that costs next to nothing: MQTT 3.1.1 packets packed beforehand, QoS 1.

`python -m benchmarks.publisher PORT USER COUNT DEVICES` reads the password from stdin, and from
there on publishes COUNT readings of DEVICES lamps, as fast as the broker acknowledges them. It ends
when the last one is acknowledged.
"""

import socket
import struct
import sys
from collections.abc import Iterator

CHUNK = 500  # packets a write
WINDOW = 20_000  # published and not yet acknowledged, at the most (packet ids are 16 bit)
START_MS = 1_790_000_000_000


def connect_packet(user: str, password: str) -> bytes:
    body = b"\x00\x04MQTT\x04\xc2\x00\x3c" + _text("bench") + _text(user) + _text(password)
    return b"\x10" + _length(len(body)) + body


def messages(count: int, devices: int, per_feeder: int = 50) -> Iterator[tuple[str, bytes]]:
    """Readings of lamps in uCIFI's form, each device every 30 s of the readings' time."""
    for n in range(count):
        device, turn = n % devices, n // devices
        feeder, lamp = device // per_feeder + 1, device % per_feeder + 1
        topic = f"ucifi/f{feeder:02d}/la-{feeder:02d}-{lamp:03d}"
        payload = (
            f'{{"ts":{START_MS + turn * 30_000},"3416":{{"0":{{"1":100,"3":80,"5":false}}}},'
            f'"3305":{{"0":{{"5800":{30 + n % 7}.5}}}}}}'
        )
        yield topic, payload.encode()


def publish_packets(count: int, devices: int) -> Iterator[bytes]:
    for n, (topic, payload) in enumerate(messages(count, devices)):
        body = _text(topic) + struct.pack(">H", n % 65_535 + 1) + payload
        yield b"\x32" + _length(len(body)) + body


def main() -> None:
    port, user, count, devices = sys.argv[1:5]
    password = sys.stdin.readline().strip()
    packets = list(publish_packets(int(count), int(devices)))
    with socket.create_connection(("127.0.0.1", int(port))) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.sendall(connect_packet(user, password))
        if link.recv(4)[3]:
            sys.exit("the broker refused the login")
        print("ready", flush=True)
        sys.stdin.readline()
        _publish(link, packets)


def _publish(link: socket.socket, packets: list[bytes]) -> None:
    acknowledged = 0  # in bytes: a PUBACK has four
    for at in range(0, len(packets), CHUNK):
        link.sendall(b"".join(packets[at : at + CHUNK]))
        while at + CHUNK - acknowledged // 4 > WINDOW:
            acknowledged += len(link.recv(65_536))
    while acknowledged < 4 * len(packets):
        acknowledged += len(link.recv(65_536))


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
