"""What a worker keeps in memory. Its work is tested on the real parts."""

from types import SimpleNamespace

from kel.run.worker import Owned


def test_a_record_that_waits_for_a_snapshot_keeps_none_of_its_bytes():
    message = SimpleNamespace(value=bytes(100))
    event = SimpleNamespace(value=message.value, message=message)
    owned = Owned(None, 0, 0)
    owned.keep(7, event)
    assert owned.unacknowledged == [(7, event)]
    assert (event.value, message.value) == (None, None)
