"""Where a group's past lies: these examples must hold for ever."""

from collections import Counter

import pytest

from kel.topics import UPLINK, partition_of


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


def test_groups_spread():
    counts = Counter(partition_of(f"zone:z{n:02d}", 12) for n in range(1200))
    assert len(counts) == 12
    assert max(counts.values()) < 2 * min(counts.values())
