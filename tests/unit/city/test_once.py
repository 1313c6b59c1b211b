"""What may stand in the files only once is told where it stands again."""

from collections.abc import Callable

import pytest

# file, what stands there, what is written instead, all that `check` then says (… = and so on)
CASES: list[tuple[str, str, str, list[str]]] = [
    (
        "items.csv",
        "sand,Άμμος",
        "clamp-63,Άμμος",
        ["items.csv:3: id: clamp-63 is already in items.csv:2"],
    ),
    (
        "devices/pump.csv",
        "ps-2,Αντ",
        "ps-1,Αντ",
        ["devices/pump.csv:3: id: ps-1 is already in devices/pump.csv:2"],
    ),
    (
        "devices/zone.csv",
        "zm-1,Μετρ",
        "ps-2,Μετρ",
        [
            "devices/zone.csv:2: address: kel ps-2 is already in devices/pump.csv:3",
            "devices/zone.csv:2: id: ps-2 is already in devices/pump.csv:3",
        ],
    ),
    (
        "devices/pump.csv",
        "kel,,70",
        "sparkplug,small/scada-1/ps-1,70",
        ["devices/pump.csv:3: address: sparkplug small/scada-1/ps-1 is already in devices/…"],
    ),
    (
        "crews.toml",
        'id = "p-2"',
        'id = "p-1"',
        ["crews.toml:16: crew.water.people.p-1.id: p-1 is already in crews.toml:15"],
    ),
    (
        "classes.toml",
        'name = "running"',
        'name = "head"',
        ["classes.toml:8: class.pump.metrics.1.name: head is already in classes.toml:7"],
    ),
    (
        "van_stock.csv",
        "water,clamp-63,2",
        "water,clamp-63,2\nwater,clamp-63,3",
        ["van_stock.csv:3: item: water clamp-63 is already in van_stock.csv:2"],
    ),
    (
        "budget.csv",
        "9800",
        "9800\n2026,2420205001,Ξανά,cash,1,2",
        ["budget.csv:3: account: 2026 2420205001 cash is already in budget.csv:2"],
    ),
]


@pytest.mark.parametrize("case", CASES)
def test_a_broken_city_is_told(
    breaks: Callable[[str, str, str, list[str]], None], case: tuple[str, str, str, list[str]]
) -> None:
    breaks(*case)
