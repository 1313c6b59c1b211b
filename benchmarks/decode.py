"""What `Intake.take` costs, format by format, on one core.

`python -m benchmarks.decode [FORMAT …]`: the city of the tests, one format at a time, records of a
thousand messages. `kel`, `ucifi` and `sparkplug` say four metrics a message, as most devices do; of
every other format the fullest good message of `tests/cases/decoders` is said again and again, each
time at another moment. The median of several rounds, in seconds of this process's own processor
time, since a machine may have other work. Fields, by format: messages_per_s, rows_per_s (readings
of declared and of other names, statuses, requests, replies, gauges), bytes (a message).
"""

import json
import re
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

from ingest.decoders import decoders
from ingest.intake import Intake, Taken
from kel.model.device import Device
from kel.model.message import Message
from kel.model.moment import HOUR_US
from tests.builders import ingest_city as city
from tests.builders.ingest_cases import FOLDERS, messages_of

RECORD, RECORDS, ROUNDS = 1_000, 10, 5
DEVICES = 250
STEP_S = 61  # so that what lies a minute back in one message is no moment of another
ARRIVAL = city.NOW_US + 200 * HOUR_US
MOMENT = re.compile(  # of the cases: ISO 8601, or Unix seconds or milliseconds
    rb"2026-05-04T2[0-9]:[0-9]{2}:[0-9]{2}|\b17779[0-9]{5}(?=[0-9]{3}\b|\b)"
)


def main() -> None:
    names = dict.fromkeys(d.name for d in decoders(city.registry(), city.CLASSES))
    wanted = sys.argv[1:] or list(names)
    print(json.dumps({name: measured(name) for name in wanted}))


def measured(name: str) -> dict[str, int]:
    before, messages = corpus(name)
    records = [messages[i : i + RECORD] for i in range(0, len(messages), RECORD)]
    seconds, rows = [], 0
    for _ in range(ROUNDS):
        intake = Intake(city.registry(*_kel(), *_lamps()), city.CLASSES)
        intake.take(before)
        took, rows = 0.0, 0
        for record in records:
            fresh = [_unpacked(message) for message in record]
            started = time.process_time()
            taken = intake.take(fresh)
            took += time.process_time() - started
            rows += _finds(taken)
            if taken.rejects:
                raise RuntimeError(f"{name}: {len(taken.rejects)} refused, {taken.rejects[0]}")
        seconds.append(took)
    return {
        "messages_per_s": round(len(messages) / median(seconds)),
        "rows_per_s": round(rows / median(seconds)),
        "bytes": round(sum(len(m.payload) for m in messages) / len(messages)),
    }


def corpus(name: str) -> tuple[list[Message], list[Message]]:
    """What must be said first (births), and then the messages to be measured."""
    many = range(RECORD * RECORDS)
    if name == "kel":
        return [], [_kel_reading(n) for n in many]
    if name == "ucifi":
        return [], [_lamp_report(n) for n in many]
    if name == "sparkplug":
        return city.births(), [_edge_data(n) for n in many]
    *before, last = _fullest(name)
    return before, [_later(last, n) for n in many]


def _unpacked(message: Message) -> Message:
    """The message as it comes out of a record: nothing of it was looked at before."""
    topic, payload, arrival = message
    return Message(topic.encode().decode(), bytes(bytearray(payload)), arrival)


def _kel() -> list[Device]:
    return [city.device(10_000 + n, f"leak-{n:03d}", "leak") for n in range(DEVICES)]


def _lamps() -> list[Device]:
    return [
        city.device(20_000 + n, f"lamp-{n:03d}", "lamp", "ucifi", address=f"f09/la-{n:03d}")
        for n in range(DEVICES)
    ]


def _kel_reading(n: int) -> Message:
    body = (
        f'{{"ts":{city.NOW_MS + n * 1000},"pressure":{3 + n % 17 / 10:.2f},"noise":{20 + n % 40},'
        f'"temperature":{15 + n % 9}.5,"battery":{60 + n % 40}}}'
    )
    return Message(f"kel/v1/stamata/leak-{n % DEVICES:03d}/telemetry", body.encode(), ARRIVAL)


def _lamp_report(n: int) -> Message:
    body = (
        f'{{"ts":{city.NOW_MS + n * 1000},"3416":{{"0":{{"1":100,"3":80,"5":false}}}},'
        f'"3305":{{"0":{{"5800":{30 + n % 7}.5}}}}}}'
    )
    return Message(f"ucifi/f09/la-{n % DEVICES:03d}", body.encode(), ARRIVAL)


def _edge_data(n: int) -> Message:
    values = {1: 40.5 + n % 7, 2: 8.25, 3: float(n % 2), 4: 123456.0 + n}
    metrics = [{"alias": alias, "doubleValue": value} for alias, value in values.items()]
    at = city.NOW_MS + n * 1000
    sent = city.sparkplug("DDATA", "ps-01", seq=(n + 2) % 256, timestamp=at, metrics=metrics)
    return sent._replace(arrival=ARRIVAL)


def _fullest(name: str) -> list[Message]:
    """The message of the good cases that says most, and when; before it what came before."""
    good = [messages_of(f) for f in FOLDERS if f.parent.name == name and not _refuses(f)]
    return max((case[: n + 1] for case in good for n in range(len(case))), key=_said)


def _refuses(folder: Path) -> bool:
    return "rejects" in json.loads((folder / "expected.json").read_text())


def _said(messages: list[Message]) -> tuple[bool, int, int]:
    """Whether its last message tells a time, how much else, in how many bytes."""
    *before, last = messages
    intake = city.intake()
    intake.take(before)
    said = _finds(intake.take([last]))
    return bool(MOMENT.search(last.payload)), said, len(last.payload)


def _later(message: Message, n: int) -> Message:
    """The same, `n` steps later, written without blanks, as devices do."""
    try:
        compact = json.dumps(json.loads(message.payload), separators=(",", ":"), ensure_ascii=False)
        payload = compact.encode()
    except ValueError:
        payload = message.payload
    return Message(message.topic, MOMENT.sub(lambda m: _moved(m[0], n), payload), ARRIVAL)


def _moved(text: bytes, n: int) -> bytes:
    if b"T" not in text:
        return b"%d" % (int(text) + n * STEP_S)
    moment = datetime.fromisoformat(text.decode()) + n * timedelta(seconds=STEP_S)
    return moment.isoformat().encode()


def _finds(taken: Taken) -> int:
    """How many things were found."""
    lists = (taken.other, taken.statuses, taken.requests, taken.replies, taken.gauges)
    return sum(map(len, taken.frames)) + sum(map(len, lists))


if __name__ == "__main__":
    main()
