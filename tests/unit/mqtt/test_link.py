"""The link's memory: what came over a lost connection, what is acknowledged, what is refused.

Against a real broker it is tested with the bridge and the desk.
"""

import threading
from types import SimpleNamespace

import pytest

from kel.mqtt import BrokerError, Chunk, Link
from kel.mqtt.link import MOST_SHORT, SHORT_S, TAKEN_OVER
from kel.settings import Settings
from kel.stack.folder import free_port


class Client:
    """Notes what paho would be told."""

    def __init__(self, connected=True):
        self.acknowledged = []
        self.released = 0
        self.published = []
        self.connected = connected
        self.left = False
        self.heard = set()  # as the broker's session would keep it

    def acknowledge(self, mids):
        self.acknowledged += [int.from_bytes(mid, "big") for mid in mids]

    def release(self, size):
        self.released += size

    def is_connected(self):
        return self.connected

    def publish(self, topic, *_):
        self.published.append(Info())
        return self.published[-1]

    def disconnect(self):
        self.left = True

    def subscribe(self, filters):
        self.heard |= {topics for topics, _ in filters}

    def unsubscribe(self, filters):
        self.heard -= set(filters)


class Info:
    """A message of ours on its way."""

    answered = False

    def is_published(self):
        return self.answered


@pytest.fixture
def link():
    return linked(Link(Settings(), "test"))


def linked(link):
    link._client = Client()
    connect(link)
    return link


def connect(link, session=False):
    reason = SimpleNamespace(is_failure=False)
    link._on_connect(link._client, None, SimpleNamespace(session_present=session), reason, None)


def come(link, *mids, size=10, topic=b"t"):
    """A chunk; id 0 stands for QoS 0."""
    ids = [mid.to_bytes(2, "big") if mid else b"" for mid in mids]
    link._on_bulk(Chunk([topic] * len(mids), [b""] * len(mids), ids, size))


def mids(messages):
    return [int.from_bytes(m.mid, "big") for m in messages]


def taken(chunks):
    return [int.from_bytes(mid, "big") for chunk in chunks for mid in chunk.mids]


def test_messages_are_taken_once_and_in_their_order(link):
    come(link, 1, 2)
    come(link, 3)
    assert link.waiting == 3
    assert taken(link.take()) == [1, 2, 3]
    assert (link.waiting, link.take(), link.receive()) == (0, [], [])


def test_what_comes_again_with_the_session_is_not_kept_twice(link):
    come(link, 1, 0, 2, size=30)
    come(link, 3, size=10)
    come(link, 0, size=5)
    connect(link, session=True)
    assert link._client.released == 40  # of the second the memory is still held
    assert taken(link.take()) == [0, 0]  # at QoS 0 nothing comes again


def test_where_the_broker_forgot_the_session_nothing_comes_again_and_all_is_kept(link):
    come(link, 1)
    connect(link, session=False)
    assert mids(link.receive()) == [1]


def test_only_what_this_connection_brought_is_acknowledged_and_all_memory_is_let_go(link):
    come(link, 1, 0)
    old = link.take()
    connect(link, session=True)
    come(link, 1)
    new = link.take()
    link.done(old)
    assert (link._client.acknowledged, link._client.released) == ([], 10)
    link.done(new)
    assert (link._client.acknowledged, link._client.released) == ([1], 20)


def test_one_by_one_it_is_the_same(link):
    come(link, 1, 0)
    old = link.receive()
    assert link._client.released == 10
    connect(link, session=True)
    come(link, 1)
    link.acknowledge(old)
    assert link._client.acknowledged == []
    link.acknowledge(link.receive())
    assert link._client.acknowledged == [1]


def test_a_topic_that_is_not_utf8_is_escaped(link):
    come(link, 1, topic=b"a/\xff")
    assert link.receive()[0].topic == "a/\\xff"


def test_nothing_piles_up_while_nobody_is_there(link):
    link._client.connected = False
    with pytest.raises(BrokerError, match="lost"):
        link.publish([("t", b"")])
    with pytest.raises(BrokerError, match="lost"):
        link.send([("t", b"")])


def test_a_broker_that_is_not_there_is_told_with_its_address():
    port = free_port()
    with pytest.raises(BrokerError, match=f"127.0.0.1:{port}"):
        Link(Settings(mqtt_port=port), "test").open(0.1)


@pytest.mark.parametrize(
    ("alone", "reason", "ends"),
    [(True, TAKEN_OVER, True), (False, TAKEN_OVER, False), (True, 0x8B, False)],
    ids=["alone", "not alone", "the broker shuts down"],
)
def test_a_link_that_is_alone_ends_where_another_takes_over(alone, reason, ends):
    woken = []
    link = linked(Link(Settings(), "kel-bridge-x", alone=alone, wake=lambda: woken.append(1)))
    link.check()
    link._on_disconnect(link._client, None, None, SimpleNamespace(value=reason), None)
    assert (link._client.left, bool(woken)) == (ends, ends)
    if ends:
        with pytest.raises(BrokerError, match=r"'kel-bridge-x'.*kel bridge --name"):
            link.check()
    else:
        link.check()


def test_a_link_that_is_alone_also_ends_where_it_is_put_out_again_and_again(monkeypatch):
    """As by a broker that says no reason; a connection that held begins the count anew."""
    now = [0.0]
    monkeypatch.setattr("kel.mqtt.link.time.monotonic", lambda: now[0])
    link = linked(Link(Settings(), "kel-bridge", alone=True))
    lost = SimpleNamespace(value=0x80)
    for held in [1.0] * (MOST_SHORT - 1) + [SHORT_S] + [1.0] * (MOST_SHORT - 1):
        connect(link, session=True)
        now[0] += held
        link._on_disconnect(link._client, None, None, lost, None)
        link.check()
    connect(link, session=True)
    link._on_disconnect(link._client, None, None, lost, None)
    with pytest.raises(BrokerError, match="takes over"):
        link.check()


def test_a_session_hears_what_its_link_asks_for_and_nothing_of_before():
    link = Link(Settings(), "test", ["a", "b"], leave=["b", "c"])
    link._client = client = Client()
    client.heard = {"b", "c"}  # an earlier process with other filters
    connect(link, session=True)
    assert client.heard == {"a", "b"}
    link.listen(["b", "d"])
    assert client.heard == {"b", "d"}
    client.connected = False
    link.listen(["a", "d"])
    assert client.heard == {"b", "d"}
    client.connected = True
    connect(link, session=True)
    assert client.heard == {"a", "d"}


# caught up: nothing that the broker kept for us is still there


LIMIT = 4
BYTES = 1000


@pytest.fixture
def greeting():
    settings = Settings(mqtt_in_flight=LIMIT, mqtt_in_flight_bytes=BYTES)
    return linked(Link(settings, "test", hello=("here", b"")))


def answer(link):
    link._client.published[-1].answered = True


def test_a_link_has_caught_up_once_the_broker_answers_before_its_limit(greeting):
    come(greeting, 1)
    assert not greeting.caught_up()
    answer(greeting)
    assert greeting.caught_up()
    for mid in range(2, 20):  # what comes later, and is acknowledged, is of the present
        come(greeting, mid)
        greeting.done(greeting.take())
    assert greeting.caught_up()
    assert len(greeting._client.published) == 1


def test_a_link_that_acknowledges_nothing_for_a_while_falls_behind_and_asks_again(greeting):
    come(greeting, 1)
    greeting.caught_up()
    answer(greeting)
    assert greeting.caught_up()
    come(greeting, *range(2, LIMIT + 1))  # the broker may keep back what it gets from now on
    greeting.done(greeting.take())
    assert not greeting.caught_up()  # and asked
    assert not greeting.caught_up()  # no answer yet
    answer(greeting)
    assert greeting.caught_up()
    assert len(greeting._client.published) == 2


def test_a_broker_that_stopped_at_its_limit_is_asked_again_behind_what_was_acknowledged(greeting):
    come(greeting, *range(1, LIMIT + 1))
    answer(greeting)
    assert not greeting.caught_up()  # and asked again, with all of it unacknowledged
    greeting.done(greeting.take())
    answer(greeting)  # the broker had not seen the acknowledgements yet
    assert not greeting.caught_up()
    assert not greeting.caught_up()  # no answer yet
    come(greeting, LIMIT)
    answer(greeting)
    assert greeting.caught_up()
    assert len(greeting._client.published) == 3


@pytest.mark.parametrize(("size", "caught_up"), [(BYTES - 1, True), (BYTES, False)])
def test_a_broker_may_also_have_stopped_at_its_limit_of_bytes(greeting, size, caught_up):
    come(greeting, 1, size=size)
    answer(greeting)
    assert greeting.caught_up() == caught_up
    greeting.done(greeting.take())
    if not caught_up:
        answer(greeting)
        assert not greeting.caught_up()  # the question went out before the acknowledgement
        answer(greeting)
    assert greeting.caught_up()


def test_what_comes_at_qos_0_was_never_kept(greeting):
    come(greeting, *[0] * (LIMIT + 1))
    answer(greeting)
    assert greeting.caught_up()


def test_a_link_that_comes_back_has_to_catch_up_again(greeting):
    answer(greeting)
    assert greeting.caught_up()
    greeting._client.connected = False
    assert (greeting.connected, greeting.caught_up()) == (False, False)
    greeting._client.connected = True
    connect(greeting, session=True)
    assert not greeting.caught_up()
    answer(greeting)
    assert greeting.caught_up()


def test_a_question_that_never_went_out_is_never_answered(greeting, monkeypatch):
    def lost():
        raise RuntimeError("not published")

    monkeypatch.setattr(greeting._client.published[-1], "is_published", lost, raising=False)
    assert not greeting.caught_up()


# callbacks


@pytest.mark.parametrize(
    "callback", ["on_connect", "on_subscribe", "_on_bulk", "on_publish", "on_disconnect"]
)
def test_an_error_in_a_callback_is_told_and_ends_the_process(monkeypatch, caplog, callback):
    ended = []
    monkeypatch.setattr("kel.mqtt.link.os._exit", ended.append)
    getattr(Link(Settings(), "test")._client, callback)(None, None)
    assert ended == [1]
    assert f"failed in _{callback.strip('_')}" in caplog.text


def test_a_reconnection_in_the_midst_of_taking_disturbs_nobody(link):
    """paho's thread empties what ours is taking from."""
    failed = []
    threading.excepthook, hook = failed.append, threading.excepthook
    try:
        comes = threading.Thread(target=lambda: [come(link, n % 2, size=1) for n in range(20_000)])
        connects = threading.Thread(target=lambda: [connect(link, True) for _ in range(300)])
        comes.start()
        connects.start()
        while comes.is_alive() or connects.is_alive():
            link.done(link.take())
    finally:
        threading.excepthook = hook
    link.done(link.take())
    assert failed == []
    assert link._client.released == 20_000  # of all that came, once
