"""The link's memory: what came over a lost connection, what is acknowledged, what is refused.

Against a real broker it is tested with the bridge and the desk.
"""

import threading
from types import SimpleNamespace

import pytest

from kel.mqtt import LARGEST_BACKLOG, BrokerError, Link
from kel.settings import Settings
from kel.stack.folder import free_port


class Client:
    """Notes what paho would be told."""

    def __init__(self, connected=True):
        self.acknowledged = []
        self.published = []
        self.connected = connected

    def ack(self, mid, qos):
        self.acknowledged.append(mid)

    def is_connected(self):
        return self.connected

    def publish(self, topic, *_):
        self.published.append(Info())
        return self.published[-1]


class Info:
    """A message of ours on its way."""

    answered = False

    def is_published(self):
        return self.answered


@pytest.fixture
def link():
    link = Link(Settings(), "test")
    link._client = Client()
    connect(link)
    return link


def connect(link, session=False):
    reason = SimpleNamespace(is_failure=False)
    link._on_connect(link._client, None, SimpleNamespace(session_present=session), reason, None)


def come(link, mid, qos=1, topic="t"):
    message = SimpleNamespace(topic=topic, payload=b"", mid=mid, qos=qos)
    link._on_message(link._client, None, message)


def mids(messages):
    return [m.mid for m in messages]


def test_messages_are_taken_in_their_order_and_no_more_than_asked_for(link):
    for mid in range(5):
        come(link, mid)
    assert (link.waiting, mids(link.receive(2)), mids(link.receive()), link.waiting) == (
        *(5, [0, 1], [2, 3, 4], 0),
    )


def test_what_comes_again_with_the_session_is_not_kept_twice(link):
    come(link, 1)
    come(link, 0, qos=0)
    connect(link, session=True)
    assert mids(link.receive()) == [0]  # at QoS 0 nothing comes again


def test_where_the_broker_forgot_the_session_nothing_comes_again_and_all_is_kept(link):
    come(link, 1)
    connect(link, session=False)
    assert mids(link.receive()) == [1]


def test_only_what_this_connection_brought_is_acknowledged(link):
    come(link, 1)
    come(link, 2, qos=0)
    old = link.receive()
    connect(link, session=True)
    come(link, 1)
    new = link.receive()
    link.acknowledge(old)
    assert link._client.acknowledged == []
    link.acknowledge(new)
    assert link._client.acknowledged == [1]


def test_a_topic_that_is_not_utf8_is_escaped(link):
    class Message(SimpleNamespace):
        @property
        def topic(self):
            return self._topic.decode()

    link._on_message(None, None, Message(_topic=b"a/\xff", payload=b"", mid=1, qos=1))
    assert link.receive()[0].topic == "a/\\xff"


def test_what_no_receive_maximum_bounds_is_bounded_by_us_and_counted(link):
    for mid in range(LARGEST_BACKLOG + 3):
        come(link, mid, qos=0)
    come(link, 7, qos=1)
    assert (link.waiting, link.dropped) == (LARGEST_BACKLOG + 1, 3)


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


# caught up: nothing that the broker kept for us is still there


LIMIT = 4


@pytest.fixture
def greeting():
    link = Link(Settings(mqtt_in_flight=LIMIT), "test", hello=("here", b""))
    link._client = Client()
    connect(link)
    return link


def answer(link):
    link._client.published[-1].answered = True


def test_a_link_has_caught_up_once_the_broker_answers_before_its_limit(greeting):
    come(greeting, 1)
    assert not greeting.caught_up()
    answer(greeting)
    assert greeting.caught_up()
    for mid in range(2, 20):  # what comes later is of the present
        come(greeting, mid)
    assert greeting.caught_up()
    assert len(greeting._client.published) == 1


def test_a_broker_that_stopped_at_its_limit_is_asked_again_behind_what_was_acknowledged(greeting):
    for mid in range(LIMIT):
        come(greeting, mid)
    answer(greeting)
    assert not greeting.caught_up()  # and asked again, with all of it unacknowledged
    greeting.acknowledge(greeting.receive())
    answer(greeting)  # the broker had not seen the acknowledgements yet
    assert not greeting.caught_up()
    assert not greeting.caught_up()  # no answer yet
    come(greeting, LIMIT)
    answer(greeting)
    assert greeting.caught_up()
    assert len(greeting._client.published) == 3


def test_what_comes_at_qos_0_was_never_kept(greeting):
    for mid in range(LIMIT + 1):
        come(greeting, mid, qos=0)
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


@pytest.mark.parametrize("callback", ["on_connect", "on_subscribe", "on_message", "on_publish"])
def test_an_error_in_a_callback_is_told_and_ends_the_process(monkeypatch, caplog, callback):
    ended = []
    monkeypatch.setattr("kel.mqtt.os._exit", ended.append)
    getattr(Link(Settings(), "test")._client, callback)(None, None)
    assert ended == [1]
    assert f"failed in _{callback}" in caplog.text


def test_a_reconnection_in_the_midst_of_taking_disturbs_nobody(link):
    """paho's thread empties what ours is taking from."""
    failed = []
    threading.excepthook, hook = failed.append, threading.excepthook
    try:
        comes = threading.Thread(target=lambda: [come(link, n, n % 2) for n in range(20_000)])
        connects = threading.Thread(target=lambda: [connect(link, True) for _ in range(300)])
        comes.start()
        connects.start()
        while comes.is_alive() or connects.is_alive():
            link.acknowledge(link.receive())
    finally:
        threading.excepthook = hook
    assert failed == []
