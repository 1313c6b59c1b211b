"""The desk as a process: one decides, and whoever decides, everything is decided and sent once."""

import logging
from datetime import timedelta
from decimal import Decimal
from threading import Event

import orjson
import pytest

from kel.model.ids import make_id
from kel.model.moment import to_us
from kel.model.order import Action
from kel.model.reading import Output
from kel.model.situation import Command
from kel.mqtt import BrokerError, RefusedError
from kel.run import desk as desk_module
from kel.run.decide import decide
from kel.run.desk import Desk
from kel.store.connect import connect
from kel.store.desk import DeskStore
from kel.store.load import numbered
from kel.store.readings import StoredReadings
from kel.store.stream import StreamStore
from kel.topics import ORDERS, RAW
from tests.builders.city import alert, at, cleared, reply, request
from tests.builders.fingerprint import desk_of
from tests.builders.running import example, fresh_database, kill, wait_until
from tests.builders.stream import PARTITIONS

pytestmark = pytest.mark.integration

MINUTE = timedelta(minutes=1)
CITY = example().city
BURST = alert(CITY, "zm-07", "main_burst", at("02:40"), at("02:50"))
NOISE = alert(CITY, "ls-30", "service_leak", at("02:42"), at("02:58"))
PUMP = alert(CITY, "ps-12", "pump", at("03:00"), at("03:15"))
DARK = alert(CITY, "fc-29", "feeder", at("03:10"), at("03:21"))
FIRE = alert(CITY, "cam-11", "fire", at("03:30"), at("03:31"))
HOLE = request("road", at("03:05"), 38.1352, community="kryoneri")

# What workers commit, by the time that the partitions have then come to.
SIGNS = {
    at("02:45"): {},
    at("02:55"): {"alerts": [BURST]},
    at("03:00"): {"alerts": [NOISE]},
    at("03:10"): {"requests": [HOLE]},
    at("03:20"): {"alerts": [PUMP, cleared(NOISE, at("03:18"))]},
    at("03:25"): {"alerts": [DARK]},
    at("03:35"): {"alerts": [FIRE]},
    at("03:50"): {"alerts": [cleared(BURST, at("03:45"))]},
}


class Workers:
    """What workers would commit, without the workers."""

    def __init__(self, connection):
        self.connection = connection
        self._store = StreamStore(connection, RAW, "k")
        self._store.progress(range(PARTITIONS))
        self._next = 0

    def commit(self, moment, **effects):
        """Every partition has come to `moment`; one of them with these effects."""
        first, self._next = self._next, self._next + 1
        outputs = [Output(p, first, self._next, tick=to_us(moment)) for p in range(PARTITIONS)]
        for name, values in effects.items():
            setattr(outputs[0], name, values)
        self._store.commit(outputs)

    def clock(self):
        return DeskStore(self.connection).clock()

    def decided(self, moment, **effects):
        """Commit, and wait until the desk has decided it and sent all."""
        self.commit(moment, **effects)
        wait_until(lambda: self.clock() == moment, what=f"a decision at {moment}")
        waiting = "SELECT count(*) FROM outbox WHERE sent_at IS NULL"
        wait_until(lambda: self.connection.execute(waiting).fetchone() == (0,), what="all sent")


@pytest.fixture
def workers(connection):
    return Workers(connection)


def leaders(connection):
    query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
    return connection.execute(query).fetchone()[0]


def undisturbed(stack):
    """What one desk that nothing ever happened to leaves in the store."""
    with fresh_database(stack, "calm") as settings, connect(settings) as connection:
        workers, store = Workers(connection), DeskStore(connection)
        city = numbered(connection, CITY)
        situation, readings = store.situation(), StoredReadings(connection, city)
        for moment, signs in SIGNS.items():
            workers.commit(moment, **signs)
            inputs = store.inputs(moment)
            changes = decide(city, situation, inputs, readings)
            store.commit(moment, changes, situation, inputs.taken)
            situation.apply(changes)
            situation.take(inputs)
        return desk_of(connection)


def test_of_two_desks_one_decides_and_the_other_takes_over_each_time(system, workers):
    """The one that leads is killed at every second decision; the next one leads at once."""
    wanted = undisturbed(system.stack)
    desks = [system.start("desk")]
    wait_until(lambda: leaders(workers.connection) == 1, what="a desk that leads")
    desks.append(system.start("desk"))
    with system.link("water-2", [ORDERS.format(crew="water-2")]) as phone:
        for n, (moment, signs) in enumerate(SIGNS.items()):
            if n % 2:
                workers.commit(moment, **signs)
                kill(desks[0])  # before, in the middle of, or after this decision
                desks[0].start()
                desks.reverse()
                wait_until(lambda m=moment: workers.clock() == m, what="the other's decision")
            else:
                workers.decided(moment, **signs)
        wait_until(lambda: system_sent(workers.connection), what="all sent")
        heard = [orjson.loads(m.payload) for m in phone.receive()]
    assert desk_of(workers.connection) == wanted
    assert wanted["work_order"][0] >= 3
    sent = workers.connection.execute(
        "SELECT payload ->> 'order', payload ->> 'state' FROM outbox WHERE topic = %s",
        [ORDERS.format(crew="water-2")],
    ).fetchall()
    assert {(h["order"], h["state"]) for h in heard} == set(sent)


def system_sent(connection):
    return connection.execute("SELECT bool_and(sent_at IS NOT NULL) FROM outbox").fetchone()[0]


def only_order(connection):
    return connection.execute("SELECT id, crew, state FROM work_order").fetchone()


def answer(order, crew, action, moment):
    return reply(type("Order", (), {"id": order, "crew": crew}), action, moment)


def test_an_answer_from_the_wrong_crew_is_refused_with_the_reason(system, workers):
    system.start("desk")
    workers.decided(at("02:55"), alerts=[BURST])
    order, crew, _ = only_order(workers.connection)
    wrong = answer(order, "pumps", Action.ACCEPT, at("02:56"))
    unknown = answer(make_id("order", "none"), crew, Action.ACCEPT, at("02:56"))
    workers.decided(at("03:00"), replies=[wrong, unknown])
    assert only_order(workers.connection) == (order, crew, "sent")
    rejects = workers.connection.execute(
        "SELECT reason, topic, detail FROM reject ORDER BY reason"
    ).fetchall()
    assert [r[0] for r in rejects] == ["unknown_order", "wrong_crew"]
    assert "pumps" in rejects[1][1]
    right = answer(order, crew, Action.ACCEPT, at("03:01"))
    workers.decided(at("03:05"), replies=[right])
    assert only_order(workers.connection) == (order, crew, "accepted")


def test_work_whose_material_is_nowhere_waits_and_says_for_what(system, workers):
    execute = workers.connection.execute
    execute("UPDATE stock SET on_hand = 0 WHERE item = 'clamp-dn150'")
    desk = system.start("desk")
    workers.decided(at("02:55"), alerts=[BURST])
    assert only_order(workers.connection) is None
    why = execute("SELECT why FROM incident_event WHERE what = 'unplanned'").fetchall()
    assert len(why) == 1
    assert CITY.items["clamp-dn150"].name in why[0][0]
    execute("UPDATE stock SET on_hand = 1 WHERE place = 'warehouse' AND item = 'clamp-dn150'")
    kill(desk)  # what stands on the shelves is the desk's own to know: it looks when it starts
    desk.start()
    workers.decided(at("03:05"))
    assert only_order(workers.connection)[2] == "sent"
    stock = execute(
        "SELECT on_hand, reserved FROM stock WHERE place = 'warehouse' AND item = 'clamp-dn150'"
    ).fetchone()
    assert stock == (1, 1)


def test_an_operators_word_reaches_the_incident(system, workers):
    system.start("desk")
    workers.decided(at("02:55"), alerts=[BURST])
    execute = workers.connection.execute
    (number,) = execute("SELECT number FROM incident").fetchone()
    command = Command(make_id("command", 1), at("02:57"), "Άννα", "acknowledge", number, "το είδα")
    DeskStore(workers.connection).command(command)
    workers.decided(at("03:00"))
    assert execute("SELECT state, acknowledged_at FROM incident").fetchone() == (
        "acknowledged",
        at("02:57"),
    )
    told = "SELECT who, why FROM incident_event WHERE what = 'acknowledged'"
    assert execute(told).fetchall() == [("Άννα", "το είδα")]


def test_while_the_broker_is_away_it_decides_on_and_sends_later(system, workers):
    desk = system.start("desk")
    workers.decided(at("02:45"))
    broker = system.stack.mosquitto
    broker.child.end()
    try:
        workers.commit(at("02:55"), alerts=[BURST])
        wait_until(lambda: workers.clock() == at("02:55"), what="a decision without the broker")
        workers.commit(at("03:20"), alerts=[PUMP])
        wait_until(lambda: workers.clock() == at("03:20"), what="another one")
    finally:
        broker.child.start()
        broker.ready()
    crew = only_order(workers.connection)[1]
    with system.link(crew, [ORDERS.format(crew=crew)]) as phone:
        heard = wait_until(phone.receive, what="the order on the phone")
    assert orjson.loads(heard[0].payload)["state"] == "sent"
    assert desk.ended is None, desk.tail()


def test_it_outlives_the_database(system, database):
    desk = system.start("desk")
    postgres = system.stack.postgres
    with connect(database) as connection:
        Workers(connection).decided(at("02:45"))
    postgres.child.end()
    postgres.child.start()
    postgres.ready()
    with connect(database) as connection:
        workers = Workers(connection)
        workers._next = 1
        workers.decided(at("02:55"), alerts=[BURST])
        assert only_order(connection)[2] == "sent"
        reserved = connection.execute("SELECT sum(reserved) FROM stock").fetchone()
        assert reserved[0] > Decimal(0)
    assert desk.ended is None, desk.tail()


# what fails


@pytest.fixture
def desk(system):
    """A desk in this process, stepped by hand."""
    desk = Desk(system.settings(), CITY, Event())
    desk.load()
    with desk._connection:
        yield desk


def waiting(connection):
    return connection.execute("SELECT count(*) FROM inbox WHERE NOT taken").fetchone()[0]


def set_aside(connection):
    found = connection.execute("SELECT reason, detail, payload FROM reject ORDER BY detail")
    return [(reason, detail, orjson.loads(payload)) for reason, detail, payload in found]


def test_an_input_that_cannot_be_decided_is_set_aside_and_stops_nothing(
    workers, desk, monkeypatch, caplog
):
    bad = {PUMP.id: "no such pump\0", HOLE.id: "no such road"}

    def brittle(city, situation, inputs, readings):
        for sign in (*inputs.alerts, *inputs.requests):
            if sign.id in bad:
                raise ValueError(bad[sign.id])
        return decide(city, situation, inputs, readings)

    monkeypatch.setattr(desk_module, "decide", brittle)
    workers.commit(at("03:35"), alerts=[BURST, NOISE, PUMP, DARK], requests=[HOLE])
    with caplog.at_level(logging.ERROR):
        assert desk.step()
    execute = workers.connection.execute
    causes = execute("SELECT cause FROM incident ORDER BY cause").fetchall()
    assert causes == [("fc-29",), ("ls-30",), ("zm-07",)]
    assert waiting(workers.connection) == 0
    assert set_aside(workers.connection) == [
        ("desk_failed", "ValueError: no such pump", {"word": "fired", "id": str(PUMP.id)}),
        ("desk_failed", "ValueError: no such road", {"word": "request", "id": str(HOLE.id)}),
    ]
    assert str(PUMP.id) in caplog.text
    workers.commit(at("03:40"), alerts=[FIRE])
    assert desk.step()
    assert execute("SELECT count(*) FROM incident").fetchone() == (4,)
    assert DeskStore(workers.connection).situation() == desk._situation


def test_what_the_store_refuses_is_set_aside_too(workers, desk):
    """The database's own check is the last one: a device's text that it cannot hold."""
    spoilt = Command(make_id("command", 1), at("03:30"), "Άννα", "acknowledge", "2026-0001", "-")
    workers.commit(at("03:20"), alerts=[BURST])
    assert desk.step()
    execute = workers.connection.execute
    execute("ALTER TABLE incident_event ADD CHECK (why <> '-')")
    DeskStore(workers.connection).command(spoilt)
    workers.commit(at("03:35"), alerts=[FIRE])
    assert desk.step()
    assert execute("SELECT state FROM incident ORDER BY opened_at").fetchall()[0] == ("open",)
    assert execute("SELECT count(*) FROM incident").fetchone() == (2,)
    ((reason, detail, payload),) = set_aside(workers.connection)
    assert (reason, payload) == ("desk_failed", {"word": "command", "id": str(spoilt.id)})
    assert detail.startswith("CheckViolation: ")


def test_where_no_input_is_to_blame_all_of_them_wait(workers, desk, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("whatever comes")

    monkeypatch.setattr(desk_module, "decide", broken)
    workers.commit(at("02:55"), alerts=[BURST])
    assert not desk.step()
    assert (waiting(workers.connection), set_aside(workers.connection)) == (1, [])
    monkeypatch.undo()
    assert desk.step()
    assert waiting(workers.connection) == 0


class Broker:
    """A link to a broker that will not have the second message, and is lost at the fourth."""

    def __init__(self):
        self.asked = 0
        self.taken = []

    def publish(self, messages, **_):
        self.asked += 1
        if self.asked == 2:
            raise RefusedError("the broker refused a message (Not authorized): check the acl file")
        if self.asked == 4:
            raise BrokerError("the connection to the MQTT broker is lost")
        self.taken += [topic for topic, _ in messages]


def unsent(desk, word, passed_over=()):
    return [m for m in desk._store.unsent(passed_over) if word in m.payload]


def test_a_message_that_the_broker_refuses_holds_up_no_other(workers, desk, caplog):
    workers.commit(at("03:35"), alerts=[BURST, PUMP, DARK, FIRE])
    assert desk.step()
    messages = unsent(desk, "order")
    assert len(messages) == 4
    broker = Broker()
    with pytest.raises(BrokerError, match="lost"), caplog.at_level(logging.ERROR):
        desk._publish(broker, messages)
    assert broker.taken == [messages[0].topic, messages[2].topic]
    assert unsent(desk, "order") == [messages[1], messages[3]]
    assert unsent(desk, "order", desk._refused) == [messages[3]]
    assert "Not authorized" in caplog.text


class Listener:
    """A link whose broker takes everything."""

    def __init__(self):
        self.taken = []

    def publish(self, messages, **_):
        self.taken += messages


def test_a_call_whose_time_has_passed_rings_nobody(workers, desk):
    """A desk that was away tells the history of all calls, and rings for the last one only."""
    workers.commit(at("02:55"), alerts=[BURST])
    assert desk.step()
    workers.commit(at("03:24"))
    assert desk.step()
    listener = Listener()
    calls = unsent(desk, "call")
    assert [(m.topic, m.made_at, m.expires_at) for m in calls] == [
        ("kel/v1/calls/duty-night", at("03:05"), at("03:15")),
        ("kel/v1/calls/duty-night", at("03:15"), at("03:25")),
        ("kel/v1/calls/engineer", at("03:20"), at("03:35")),
    ]
    desk._publish(listener, calls)
    rung = [(topic, orjson.loads(payload)["call"]) for topic, payload in listener.taken]
    assert rung == [(m.topic, str(m.id)) for m in calls[1:]]
    assert not unsent(desk, "call")
    told = "SELECT count(*) FROM incident_event WHERE what = 'called'"
    assert workers.connection.execute(told).fetchone() == (3,)
