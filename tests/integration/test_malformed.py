"""Every tenth message is malformed: each is refused once with its reason, all others are stored,
no process ends, and none of them takes up more memory than it may.

`python -m benchmarks.malformed` does the same with more messages.
"""

from datetime import UTC, datetime

import pytest

from benchmarks.bench import written_city
from benchmarks.malformed import SPOILT, measure, spoil
from kel.run.services import Services
from kel.store.connect import connect
from kel.store.load import load
from kel.store.migrate import migrate
from tests.builders.running import fresh_database

pytestmark = [pytest.mark.integration, pytest.mark.processes]

MESSAGES = 20_000
BRIDGE_MB, WORKER_MB = 200, 400


@pytest.mark.timeout(200)
def test_the_malformed_are_refused_exactly_and_all_others_stored(system, stack) -> None:
    with (
        written_city() as city,
        fresh_database(stack, "malformed", template=None) as database,
        connect(database) as connection,
    ):
        migrate(connection)
        load(connection, city.files.city, datetime.now(UTC))
        environment = {"KEL_CITY": str(city.folder), "KEL_DATABASE": database.database}
        broker = stack.mosquitto
        with Services(stack, environment) as services:
            found = measure(
                connection, services, city, broker.port, broker.passwords, MESSAGES, 20261122
            )
    malformed = found["malformed"]
    assert MESSAGES * 0.09 < malformed < MESSAGES * 0.11
    assert found["wrong_reasons"] == {}
    assert (found["rejected"], found["stored"]) == (malformed, MESSAGES - malformed)
    assert found["restarts"] == 0
    assert found["bridge_rss_mb"] < BRIDGE_MB
    assert found["worker_rss_mb"] < WORKER_MB


@pytest.mark.parametrize("reason", SPOILT)
def test_each_way_to_spoil_a_message_differs_from_message_to_message(reason) -> None:
    assert len({spoil(reason, n, 1_790_000_000_000 + n) for n in range(50)}) == 50
