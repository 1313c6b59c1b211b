"""When a worker stands still although there is work."""

import pytest

from kel.run.watchdog import Look, Watchdog

LIMIT = 30.0

STOOD = "no record for 30 s"
UNSTORED = "nothing stored for 30 s"


def looks(*steps, away=()):
    """The first word of the watchdog over looks at partition 4, ten seconds apart."""
    dog = Watchdog(LIMIT)
    for n, step in enumerate(steps):
        each = {} if step is None else {4: Look(*step)}
        if why := dog.look(1000.0 + 10 * n, each, store_away=n in away):
            return n, why
    return None


@pytest.mark.parametrize(
    ("steps", "away", "told"),
    [
        pytest.param([(5, 5, 5)] * 9, (), None, id="nothing to do"),
        pytest.param([(5, 9, 5)] * 9, (), (4, STOOD), id="records wait"),
        pytest.param([(n, 90, n) for n in range(9)], (), None, id="slow, and it goes on"),
        pytest.param(
            [(5, 9, 5)] * 3 + [(6, 9, 6)] * 9, (), (7, STOOD), id="it stands after a while"
        ),
        pytest.param([(None, 9, None)] * 9, (), None, id="none came, and none comes"),
        pytest.param(
            [(None, 9 + n, None) for n in range(9)],
            (),
            (4, STOOD),
            id="none came, though there are",
        ),
        pytest.param(
            [(None, 9, None), (None, 10, None)] + [(None, 10, None)] * 9,
            (),
            (4, STOOD),
            id="one came, and it was not given",
        ),
        pytest.param([(n, n, 0) for n in range(9)], (), (4, UNSTORED), id="nothing is stored"),
        pytest.param([(5, 9, 5)] * 9, (0, 1, 2, 3, 4, 5, 6), None, id="the store is away"),
        pytest.param([(5, 9, 5)] * 9, (0, 1, 2), (6, STOOD), id="the store came back"),
        pytest.param(
            [(5, 9, 5)] * 3 + [None] + [(5, 9, 5)] * 3, (), None, id="given up and taken up anew"
        ),
        pytest.param([(5, 9, 3)] + [(5, 9, 5)] * 3, (), None, id="not yet"),
    ],
)
def test_it_stands_still(steps, away, told):
    found = looks(*steps, away=away)
    assert (found is None) == (told is None)
    if found and told:
        assert found[0] == told[0]
        assert told[1] in found[1]
        assert "partition 4" in found[1]
