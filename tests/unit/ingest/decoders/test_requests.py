from datetime import datetime, timedelta
from typing import Any

import pytest

from kel.model.moment import to_us
from kel.model.request import Request
from tests.builders import ingest_city as city

HOURS = timedelta(hours=1)


def asked(arrival: datetime = city.NOW, **body: Any) -> Request:
    sent = {"category": "tree", "text": "έπεσε δέντρο", **body}
    taken = city.intake().take([city.message("kel/v1/stamata/requests", sent, to_us(arrival))])
    (request,) = taken.requests
    return request


@pytest.mark.parametrize(
    ("before", "believed"), [(0 * HOURS, True), (24 * HOURS, True), (24.01 * HOURS, False)]
)
def test_a_clock_of_the_day_before_is_not_believed(before: timedelta, believed: bool) -> None:
    request = asked(ts=(city.NOW - before).isoformat())
    assert request.at == (city.NOW - before if believed else city.NOW)
    assert request.arrival == city.NOW


def test_a_request_with_a_wrong_clock_sent_twice_is_one() -> None:
    long_ago = (city.NOW - 400 * 24 * HOURS).isoformat()
    assert asked(ts=long_ago).id == asked(city.NOW + HOURS, ts=long_ago).id
