import pytest

from kel.model.mapping import JsonMapping, steps_of


def mapping(topic: str) -> JsonMapping:
    return JsonMapping("acme", "ACME", topic, metrics=())


@pytest.mark.parametrize(
    ("pattern", "topic", "address"),
    [
        ("acme/{device}", "acme/7", "7"),
        ("acme/+/{device}/data", "acme/drosia/L-4711/data", "L-4711"),
        ("acme/{device}/#", "acme/7/a/b", "7"),
        ("acme/{device}/data", "acme/7/log", None),
        ("acme/{device}/data", "acme/a/b/data", None),
        ("acme/{device}/data", "acme//data", None),
        ("a.me/{device}", "acme/7", None),
        ("acme/+", "acme/7", None),
    ],
)
def test_the_address_that_a_topic_names(pattern: str, topic: str, address: str | None) -> None:
    assert mapping(pattern).address_in(topic) == address


def test_without_a_device_in_the_topic_all_senders_share_a_group() -> None:
    assert mapping("acme/{device}").group is None
    shared = mapping("acme/+/up/#")
    assert shared.group == "mapping:acme"
    assert shared.filter == "acme/+/up/#"
    assert shared.matches("acme/x/up/1/2")
    assert not shared.matches("acme/x/down/1")


@pytest.mark.parametrize(
    ("pointer", "steps"),
    [
        ("", ()),
        ("/", ("",)),
        ("/a/0/b", ("a", "0", "b")),
        ("/a~1b/c~0d", ("a/b", "c~d")),
        ("/~01", ("~1",)),  # RFC 6901, section 4: ~01 is ~1, never /
    ],
)
def test_a_json_pointer_has_steps(pointer: str, steps: tuple[str, ...]) -> None:
    assert steps_of(pointer) == steps


@pytest.mark.parametrize("pointer", ["a", "a/b", "/~", "/a~2b"])
def test_what_is_no_json_pointer_is_refused(pointer: str) -> None:
    with pytest.raises(ValueError, match="no JSON pointer"):
        steps_of(pointer)
