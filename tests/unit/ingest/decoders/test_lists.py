"""Formats that carry lists: any value in any place of them, and nothing is raised.

The contract of all decoders puts values into the fields of objects; here into lists' elements too.
"""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.validate import Reason
from tests.builders import ingest_city as city

CASES = Path(__file__).parents[3] / "cases/decoders"
GOOD = [
    ("talq/gw-1/log", "talq/report-of-two-lamps/1.json"),
    (f"fiware/lights/{city.ENTITY}", "fiware/normalized/1.json"),
    (f"fiware/lights/{city.ENTITY}", "fiware/linked-data-and-key-values/1.json"),
    ("senml/gw-2/meter-7", "senml/pack/1.json"),
    ("onvif/cam-03/onvif-ej/RuleEngine/FireDetector/Fire", "onvif/smoke/2.json"),
    ("acme/drosia/L-4711/data", "mapping/logger/1.json"),
    ("zigbee2mqtt/plateia/fanari-1", "zigbee2mqtt/lamp/2.json"),
]
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["2026-05-04T21:00:00Z", "lamp-0001", "gw-1", "1e999", "ON", "kWh", "end"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["value", "Name", "Value", "n", "v", "data"]), inner)
    ),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in a JSON value something stands."""
    inside: Any = ()
    if isinstance(value, dict | list):
        inside = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in inside:
        yield (*path, key)
        yield from places(inner, (*path, key))


@pytest.mark.parametrize(("topic", "file"), GOOD, ids=[file for _, file in GOOD])
def test_any_value_in_any_place_never_raises(topic: str, file: str) -> None:
    good = json.loads((CASES / file).read_text())

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(list(places(good))), values)
    def check(path: tuple[Any, ...], value: Any) -> None:
        body = copy.deepcopy(good)
        at = body
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = value
        taken = city.intake().take([city.message(topic, body)])
        assert all(r.reason != Reason.INTERNAL for r in taken.rejects)
        assert len(taken.rejects) <= 1

    check()
