"""Where a group's past lies: these examples must hold for ever."""

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from kel.topics import (
    BRIDGE,
    BROKER,
    CLOCK,
    ORDERS,
    UNHEARD,
    UPLINK,
    filter_mistake,
    overlap,
    partition_of,
    text_of,
)


@pytest.mark.parametrize(
    ("group", "of_12", "of_48"),
    [
        ("zone:z07", 9, 21),
        ("feeder:f29", 7, 43),
        ("edge:dionysos/scada-1", 9, 9),
        ("topic:frigate", 5, 5),
        ("crew:water-1", 3, 39),
        ("community:άγιος-στέφανος", 3, 27),
        ("", 0, 0),
    ],
)
def test_a_groups_partition_never_changes(group, of_12, of_48):
    assert (partition_of(group, 12), partition_of(group, 48)) == (of_12, of_48)


def test_the_bridge_hears_devices_citizens_and_crews_and_no_orders():
    assert [t for t in UPLINK if t.startswith("kel/")] == [
        "kel/v1/+/+/telemetry",
        "kel/v1/+/+/status",
        "kel/v1/+/requests",
        "kel/v1/crews/+/replies",
    ]


def test_no_message_reaches_a_bridge_by_two_of_its_filters_and_none_of_kels_own():
    all_filters = (*UPLINK, *BROKER, CLOCK)
    assert not [(a, b) for a, b in combinations(all_filters, 2) if overlap(a, b)]
    own = BRIDGE.format(bridge="bridge"), ORDERS.format(crew="water-1")
    assert not [(a, b) for a in all_filters for b in own if overlap(a, b)]


@pytest.mark.parametrize(
    "topic",
    [
        "frigate/cam-01/person/snapshot",
        "frigate/cam-01/person",
        "frigate/tracked_object_update",
        "frigate/stats",
    ],
)
def test_no_bridge_hears_frigates_pictures_or_names(topic):
    assert not [t for t in UPLINK if topic_matches_sub(t, topic)]
    assert [t for t in UNHEARD if topic_matches_sub(t, topic)]  # a session of before leaves them


@pytest.mark.parametrize(
    ("one", "other", "overlaps"),
    [
        ("a/#", "a/b", True),
        ("a/#", "a", True),  # also the level above
        ("#", "a/b", True),
        ("+/b", "a/+", True),
        ("a/+/c", "a/b/#", True),
        ("a/b", "a/b", True),
        ("a", "a/b", False),
        ("a/+", "a", False),
        ("a/+", "a/b/c", False),
        ("a/b", "a/c", False),
        ("+/b", "a/c", False),
        ("a/", "a", False),
        ("a/+", "a/", True),
        ("#", "$SYS/x", False),
        ("+/x", "$SYS/x", False),
        ("$SYS/#", "$SYS/x", True),
        ("a/+/c/#", "+/b/#", True),
    ],
)
def test_filters_overlap_where_a_topic_matches_both(one, other, overlaps):
    assert overlap(one, other) == overlap(other, one) == overlaps


LEVELS = st.lists(st.sampled_from(["a", "b", "", "+"]), min_size=1, max_size=4)
FILTERS = st.builds(
    lambda levels, end: "/".join(levels + end), LEVELS, st.sampled_from([[], ["#"]])
)


@given(FILTERS, FILTERS, st.lists(st.sampled_from(["a", "b", ""]), min_size=1, max_size=5))
def test_what_matches_two_filters_makes_them_overlap(one, other, levels):
    """Against paho's own matching of one topic."""
    topic = "/".join(levels)
    if topic_matches_sub(one, topic) and topic_matches_sub(other, topic):
        assert overlap(one, other)


@pytest.mark.parametrize("topics", ["a", "/", "a/+/b", "a/#", "+", "φώτα/+", "$SYS/#", *UPLINK])
def test_a_filter_that_can_be_used(topics):
    assert filter_mistake(topics) is None


@pytest.mark.parametrize(
    "topics",
    [
        "",
        "#",
        "+/#",
        "frigate/#",
        "frigate/+/+/snapshot",
        "frigate/tracked_object_update",
        "a#",
        "#/a",
        "a/#/b",
        "a+",
        "+a/b",
        "a/b+/c",
        "a\0b",
        "$share/x/a",
        "x" * 65_536,
    ],
)
def test_a_filter_that_cannot_be_used(topics):
    assert filter_mistake(topics)


def test_a_topic_that_is_not_utf8_is_escaped():
    assert (text_of("ώ".encode()), text_of(b"a\xff")) == ("ώ", "a\\xff")


def test_groups_spread():
    counts = Counter(partition_of(f"zone:z{n:02d}", 12) for n in range(1200))
    assert len(counts) == 12
    assert max(counts.values()) < 2 * min(counts.values())
