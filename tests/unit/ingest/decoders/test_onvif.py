import pytest

from ingest.decoders.onvif import _camera_and_labels
from tests.builders import ingest_city as city

PREFIX = "onvif/cam-03/onvif-ej/"


@pytest.mark.parametrize(
    ("topic", "labels"),
    [
        ("RuleEngine/SmokeDetector/Alarm", ("smoke", "rule_engine")),
        ("RuleEngine/tns1:FireDetector/tns1:Fire/&1/Fire", ("fire", "fire", "rule_engine")),
        ("RuleEngine/CellMotionDetector/Motion", ("motion", "cell_motion", "rule_engine")),
        ("Device/Trigger/DigitalInput/&in-1", ("digital_input", "trigger", "device")),
        ("VideoSource/SignalLoss", ("signal_loss", "video_source")),
        ("RuleEngine/CountAggregation/Counter", ("counter", "count_aggregation", "rule_engine")),
    ],
)
def test_what_a_topic_may_be_about(topic: str, labels: tuple[str, ...]) -> None:
    assert _camera_and_labels(PREFIX + topic) == ("cam-03", labels)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ({"State": True}, 1.0),
        ({"State": "false"}, 0.0),
        ({"LogicalState": "active", "ObjectId": 7}, 1.0),
        ({"Likelihood": 0.25}, 0.25),
        ({"Likelihood": "0.25", "Rule": "Forest"}, 0.25),
        ({"SimpleItem": {"Name": "State", "Value": "inactive"}}, 0.0),
    ],
)
def test_the_one_thing_that_data_says(data: object, value: float) -> None:
    body = {"UtcTime": "2026-05-04T21:00:00Z", "Data": data}
    taken = city.intake().take([city.message(PREFIX + "RuleEngine/FireDetector/Fire", body)])
    (frame,) = taken.frames
    assert frame.metrics["fire"].tolist() == [value]
