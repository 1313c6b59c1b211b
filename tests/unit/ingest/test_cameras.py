"""What is heard of cameras: a first camera is told, and no byte of what is refused is kept."""

import json

import pytest

from ingest.cameras import allowed_labels
from ingest.intake import Intake, Taken
from ingest.registry import Registry
from kel.model.device import DeviceClass
from kel.model.message import Message
from tests.builders import ingest_city as city

NAMES = ("Μαρία", "ΥΖΚ-4711", "person")
AFTER = {
    "id": "a",
    "camera": "yard",
    "label": "smoke",
    "sub_label": NAMES[0],
    "score": 0.9,
    "frame_time": city.NOW_MS / 1000,
    "recognized_license_plate": NAMES[1],
}
BODY = {"UtcTime": "2026-05-04T21:00:00Z", "Data": {"State": True, "Seen": NAMES[0]}}
EVENT = city.message("frigate/events", {"type": "new", "after": AFTER})
REVIEW = city.message(
    "frigate/reviews",
    {"type": "update", "after": {"id": "r", "camera": "yard", "data": {"objects": ["smoke"]}}},
)
SMOKE = city.message("onvif/yard/onvif-ej/RuleEngine/SmokeDetector/Alarm", BODY)


def taken_by(sources: tuple[str, ...], *messages: Message) -> Taken:
    """What a city says to them whose only cameras are of these formats."""
    others = [d for d in city.DEVICES if d.cls != "camera" or d.source in sources]
    return Intake(Registry(others, mappings=city.MAPPINGS), city.CLASSES).take(messages)


@pytest.mark.parametrize("sources", [(), ("frigate",), ("onvif",), ("frigate", "onvif")])
@pytest.mark.parametrize("sent", [EVENT, REVIEW, SMOKE], ids=["event", "review", "onvif"])
def test_a_camera_that_nobody_knows_is_a_stranger_and_not_passed_over(
    sent: Message, sources: tuple[str, ...]
) -> None:
    (reject,) = taken_by(sources, sent).rejects
    assert (reject.reason, reject.address) == ("unknown_device", "yard")
    assert reject.source == sent.topic.split("/")[0]


@pytest.mark.parametrize("sources", [(), ("frigate",), ("onvif",)])
def test_persons_are_counted_before_anybody_is_a_stranger(sources: tuple[str, ...]) -> None:
    person = {"type": "new", "after": AFTER | {"label": "person"}}
    taken = taken_by(
        sources,
        city.message("frigate/events", person),
        city.message("onvif/yard/onvif-ej/RuleEngine/PersonDetector/Person", BODY),
    )
    assert (taken.rejects, taken.dropped) == ((), {"label_not_allowed": 2})


def test_a_stranger_whose_clock_is_wrong_is_told_as_a_stranger() -> None:
    wrong = {"type": "new", "after": AFTER | {"frame_time": 1.0}}
    assert taken_by((), city.message("frigate/events", wrong)).rejects[0].address == "yard"


def of(name: str, *metrics: str) -> DeviceClass:
    return city._class(name, 1, **dict.fromkeys(metrics, city.SHARE))  # type: ignore[no-any-return]


def test_which_labels_a_format_without_cameras_may_say() -> None:
    classes = {
        c.id: c for c in (of("tower", "smoke", "haze"), of("dome", "fire"), of("pump", "flow"))
    }
    dome = city.device(1, "d-1", "dome", "onvif")
    pump = city.device(2, "p-1", "pump")
    assert allowed_labels(Registry([dome, pump]), classes, "onvif") == {"fire"}
    assert allowed_labels(Registry([dome, pump]), classes, "frigate") == {"fire"}
    assert allowed_labels(Registry([pump]), classes, "frigate") == {"smoke", "haze", "fire"}
    assert allowed_labels(Registry([pump]), {"pump": classes["pump"]}, "onvif") == frozenset()


REFUSED = [
    EVENT,
    SMOKE,
    EVENT._replace(payload=EVENT.payload[:-1]),
    SMOKE._replace(payload=SMOKE.payload[:-1]),
    city.message("frigate/available", NAMES[2]),
    city.message("onvif/yard", BODY),
    city.message(EVENT.topic, {"type": "new", "after": AFTER | {"camera": "cam-01", "score": 7}}),
]


@pytest.mark.parametrize("sent", REFUSED, ids=[str(n) for n in range(len(REFUSED))])
def test_of_a_refused_message_of_a_camera_no_byte_is_kept(sent: Message) -> None:
    (reject,) = city.intake().take([sent]).rejects
    assert (reject.payload, reject.size) == (b"", len(sent.payload))
    told = json.dumps([reject.topic, reject.detail, reject.address], ensure_ascii=False)
    assert not [name for name in NAMES[:2] if name in told]
    other = sent._replace(payload=sent.payload + b" ")
    assert city.intake().take([other]).rejects[0].id != reject.id  # still told apart
