"""Settings: from the environment, refused with the field's name, and never telling a secret."""

import pytest
from pydantic import ValidationError

from kel.settings import ClockKind, Settings


def test_they_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("KEL_KAFKA", "kafka.example:9092")
    monkeypatch.setenv("KEL_CLOCK", "story")
    monkeypatch.setenv("KEL_PARTITIONS", "24")
    settings = Settings()
    assert (settings.kafka, settings.partitions) == ("kafka.example:9092", 24)
    assert settings.clock is ClockKind.STORY


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KEL_CLOCK", "sundial"),
        ("KEL_PARTITIONS", "0"),
        ("KEL_COMMIT_S", "0"),
        ("KEL_SESSION_S", "-1"),
        ("KEL_MQTT_IN_FLIGHT", "70000"),
        ("KEL_MQTT_PORT", "mqtt"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=name.removeprefix("KEL_").lower()):
        Settings()


def test_a_bridges_filters_come_as_a_list_with_commas(monkeypatch):
    assert Settings().filters == ()
    monkeypatch.setenv("KEL_FILTERS", "ucifi/#,spBv1.0/#")
    assert Settings().filters == ("ucifi/#", "spBv1.0/#")
    assert Settings(filters=("a",)).filters == ("a",)


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ("a#", "no topic filter"),
        ("$share/g/a", "several bridges"),
        ("a/#,a/b", "overlap"),
        ("a,a", "overlap"),
        ("kel/#", "kel/v1/clock"),
        ("#", "cameras' pictures"),
        ("kel/v1/+/+/state", "bridge"),
        ("kel/v1/crews/#", "orders"),
    ],
)
def test_filters_that_cannot_be_are_refused_with_the_reason(monkeypatch, filters, words):
    monkeypatch.setenv("KEL_FILTERS", filters)
    with pytest.raises(ValidationError, match=words):
        Settings()


@pytest.mark.parametrize("name", ["", "West", "a b", "a/b", "+", "-a", "x" * 41])
def test_a_bridges_name_is_part_of_a_topic_and_of_a_session(name):
    with pytest.raises(ValidationError, match="bridge"):
        Settings(bridge=name)


def test_no_secret_is_shown():
    secret = "hush-1234"
    fields = [name for name in Settings.model_fields if "password" in name or "token" in name]
    settings = Settings.model_validate(dict.fromkeys(fields, secret))
    assert len(fields) >= 3
    assert (
        secret
        not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    )
