"""The messages of `tests/cases/decoders`: a folder a case, `messages.json` lists topic, arrival and
payload file of each message. A payload file that ends in `.sparkplug.json` is the protobuf JSON
form of a Sparkplug payload; all others are sent as they are."""

import json
from datetime import datetime
from pathlib import Path

from google.protobuf import json_format

from ingest.decoders.sparkplug_b_pb2 import Payload
from kel.model.message import Message
from kel.model.moment import to_us

CASES = Path(__file__).parents[1] / "cases" / "decoders"
FOLDERS = sorted(path.parent for path in CASES.glob("*/*/messages.json"))


def messages_of(folder: Path) -> list[Message]:
    """The messages of one case, in their order."""
    listed = json.loads((folder / "messages.json").read_text())
    return [
        Message(m["topic"], payload_of(folder / m["payload"]), arrival(m["arrival"]))
        for m in listed
    ]


def payload_of(file: Path) -> bytes:
    if file.name.endswith(".sparkplug.json"):
        return json_format.Parse(file.read_text(), Payload()).SerializeToString()
    return file.read_bytes().removesuffix(b"\n")


def arrival(text: str) -> int:
    return to_us(datetime.fromisoformat(text))
