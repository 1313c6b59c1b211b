"""The desk's store on the real database: what waits, what is going on, and stock under locks."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from threading import Barrier, Thread
from uuid import UUID

import pytest

from kel.model.alert import Severity
from kel.model.escalation import Escalation, Step
from kel.model.ids import make_id
from kel.model.incident import Material
from kel.model.order import OrderState
from kel.model.reading import Output
from kel.model.situation import Changes, Command, Inputs
from kel.model.stock import WAREHOUSE
from kel.run.decide import decide
from kel.store.connect import connect
from kel.store.desk import DeskStore, StaleError
from kel.store.load import load
from kel.store.migrate import migrate
from kel.store.stream import put_effects
from tests.acceptance.story import NoReadings
from tests.builders.city import alert, at, cleared, reply, request, small_city
from tests.builders.running import fresh_database

pytestmark = pytest.mark.integration

CITY = small_city()
MINUTE = timedelta(minutes=1)


@pytest.fixture
def town(stack):
    """A database with the small city of the stories."""
    with fresh_database(stack, "town", None) as settings:
        with connect(settings) as connection:
            migrate(connection)
            load(connection, CITY, at("00:00"))
        yield settings


@pytest.fixture
def connection(town):
    with connect(town) as connection:
        yield connection


@pytest.fixture
def store(connection):
    return DeskStore(connection)


def arrive(connection, *, alerts=(), requests=(), replies=()):
    """Signs as a worker stores them."""
    effects = Output(0, 0, 0)
    effects.alerts, effects.requests, effects.replies = list(alerts), list(requests), list(replies)
    with connection.transaction(), connection.cursor() as cursor:
        put_effects(cursor, effects)


def decide_once(store, situation, now):
    inputs = store.inputs(now)
    changes = decide(CITY, situation, inputs, NoReadings())
    store.commit(now, changes, situation, inputs.taken)
    situation.apply(changes)
    situation.take(inputs)
    return changes


# what waits


def test_what_waits_comes_in_order_and_is_taken_once(connection, store):
    fired = alert(CITY, "zm-01", "main_burst", at("02:40"), at("02:50"))
    later = alert(CITY, "ps-01", "pump", at("02:41"), at("02:45"))
    wet = request("main_burst", at("02:48"), 38.13)
    order = type("Order", (), {"id": make_id("order", 1), "crew": "water-1"})
    word = reply(order, "accept", at("02:49"))
    arrive(
        connection,
        alerts=[fired, cleared(fired, at("03:30")), later],
        requests=[wet],
        replies=[word],
    )
    arrive(connection, alerts=[later], requests=[wet], replies=[word])  # delivered twice
    seen = Command(
        make_id("command", 1), at("02:50"), "Άννα", "acknowledge", "2026-0001", "το είδα"
    )
    store.command(seen)
    store.command(seen)

    assert store.inputs(at("02:44")) == Inputs(at("02:44"))
    inputs = store.inputs(at("03:00"))
    assert replace(inputs, taken=()) == Inputs(
        at("03:00"), (later, fired), (wet,), (word,), (seen,)
    )
    assert set(inputs.taken) == {
        ("fired", later.id),
        ("fired", fired.id),
        ("request", wet.id),
        ("reply", word.id),
        ("command", seen.id),
    }
    assert inputs.only(inputs.taken) == inputs
    store.commit(at("03:00"), Changes(), store.situation(), inputs.taken)
    assert store.inputs(at("03:00")) == Inputs(at("03:00"))
    assert store.inputs(at("03:30")).alerts == (cleared(fired, at("03:30")),)
    assert store.clock() == at("03:00")


def test_what_comes_while_the_desk_decides_is_not_lost(connection, store):
    """Late data and an operator's word are of a moment that the desk has read up to already."""
    early = alert(CITY, "ps-01", "pump", at("02:41"), at("02:45"))
    late = alert(CITY, "zm-01", "main_burst", at("02:40"), at("02:50"))
    seen = Command(make_id("command", 1), at("02:50"), "Άννα", "acknowledge", "2026-0001")
    arrive(connection, alerts=[early])
    situation = store.situation()
    inputs = store.inputs(at("03:00"))
    arrive(connection, alerts=[late])
    store.command(seen)
    store.commit(
        at("03:00"), decide(CITY, situation, inputs, NoReadings()), situation, inputs.taken
    )
    again = store.inputs(at("03:05"))
    assert (again.alerts, again.commands) == ((late,), (seen,))


def test_time_has_come_when_every_partition_says_so(connection, store):
    put = "INSERT INTO progress VALUES ('kel.raw', %s, 'k', 1, %s)"
    assert store.watermark("kel.raw", 2) is None
    connection.execute(put, [0, at("03:00")])
    assert store.watermark("kel.raw", 2) is None
    connection.execute(put, [1, None])
    assert store.watermark("kel.raw", 2) is None
    connection.execute("UPDATE progress SET tick = %s WHERE partition = 1", [at("02:00")])
    assert store.watermark("kel.raw", 2) == at("02:00")
    assert store.watermark("another", 2) is None


def test_one_desk_leads_and_another_takes_over_when_it_is_gone(town, store):
    with connect(town) as connection:
        other = DeskStore(connection)
        assert other.lead()
        assert not store.lead()
    assert store.lead()


# what is going on

BURST = alert(CITY, "zm-01", "main_burst", at("02:40"), at("02:50"))
NOISE = alert(CITY, "ls-02", "service_leak", at("02:42"), at("02:58"))
PUMP = alert(CITY, "ps-01", "pump", at("10:00"), at("10:15"))
WET = request("main_burst", at("03:05"), 38.1331)
DARK = request("feeder", at("20:30"), None, community="stamata")


def test_what_was_written_reads_back_as_the_situation_at_every_step(connection, store):
    """A day of decisions: after each, the stored situation is the one in memory."""
    arrive(connection, alerts=[BURST, NOISE, PUMP], requests=[WET, DARK])
    arrive(connection, alerts=[cleared(NOISE, at("07:40")), cleared(BURST, at("08:10"))])
    situation, now, states = store.situation(), at("02:30"), set()
    while now < at("23:30"):
        now += 10 * MINUTE
        changes = decide_once(store, situation, now)
        arrive(connection, replies=list(answers(changes)))
        assert store.situation() == situation, now
        states |= {i.state for i in situation.incidents.values()}
        states |= {o.state for o in situation.orders.values()}
    assert states >= {"open", "in_progress", "resolved", "sent", "accepted", "arrived"}
    totals = connection.execute(
        "SELECT s.place, s.item FROM stock s LEFT JOIN movement m USING (place, item) "
        "GROUP BY 1, 2, s.on_hand HAVING s.on_hand <> coalesce(sum(m.quantity), 0)"
    ).fetchall()
    assert totals == []  # the ledger explains every unit


def answers(changes):
    """What the crews say to new orders: the pumps' crew nothing, another accepts and finishes."""
    for order in changes.orders.values():
        if order.state == "sent" and order.category != "pump":
            yield reply(order, "accept", order.made_at + 3 * MINUTE)
            yield reply(order, "arrive", order.arrive_at)
            yield reply(order, "complete", order.arrive_at + 90 * MINUTE, km=7.5)


def command(what, number="", clock="02:55", why="έργα", **detail):
    about = (what, number, clock, *sorted(detail.items()))
    return Command(make_id("command", *about), at(clock), "Άννα", what, number, why, detail)


LIVELY = replace(
    CITY,
    escalation=Escalation(
        steps=(Step(5 * MINUTE, 20 * MINUTE, Severity.MEDIUM, "boss"),),
        contacts={"boss": "Μηχανικός"},
        margin=30 * MINUTE,
    ),
)
LOW = alert(CITY, "zm-02", "low_pressure", at("02:41"), verify=timedelta(hours=1))
LAMP = alert(CITY, "la-01-002", "lamp", at("03:00"), verify=timedelta(hours=2))
FEEDER = alert(CITY, "fc-01", "feeder", at("02:58"))
NIGHTLY = {"days": "wed,thu", "since": "01:00", "until": "06:00"}
SAID = [
    command("silence", zone="z02", ends_at=at("12:00", 9).isoformat(), clock="02:30", **NIGHTLY),
    command("silence", rule="pump", ends_at=at("11:30").isoformat(), clock="09:00"),
    command("unsilence", silence="Σ-2026-0002", clock="10:40"),
    command(
        "hand_on", "2026-0002", "03:02", to="ΔΕΔΔΗΕ", protocol="1", ask_at=at("05:00").isoformat()
    ),
    command("assign", "2026-0001", "04:30", person="Νίκος"),
    command("acknowledge", "2026-0009", "04:40"),
    command("close", "2026-0003", "06:05", why="ψευδής", force="yes"),
]


@pytest.mark.parametrize("restarts", [False, True])
def test_a_desk_that_starts_anew_at_every_step_does_the_same(connection, store, restarts):
    """Silences, calls, handovers, hidden and dismissed alerts: all of it is in the store."""
    arrive(connection, alerts=[BURST, LOW, LAMP, FEEDER, PUMP, cleared(FEEDER, at("04:20"))])
    for said in SAID:
        store.command(said)
    situation, now, outbox = store.situation(), at("02:20"), []
    while now < at("14:00"):
        now += 10 * MINUTE
        if restarts:
            situation = store.situation()
        inputs = store.inputs(now)
        changes = decide(LIVELY, situation, inputs, NoReadings())
        store.commit(now, changes, situation, inputs.taken)
        situation.apply(changes)
        situation.take(inputs)
        arrive(connection, replies=list(answers(changes)))
        assert store.situation() == situation, now
        outbox += [m for m in changes.outbox if "call" in m.payload]
    told = dict(
        connection.execute("SELECT what, count(*) FROM incident_event GROUP BY what").fetchall()
    )
    assert set(told) >= {"handed_on", "ask_again", "assigned", "called", "spoke", "closed"}
    assert told["called"] == len(outbox) == len({m.id for m in outbox}) > 5
    fates = "SELECT dismissed, spoke, over_at IS NULL FROM hidden ORDER BY 1, 2, 3"
    assert connection.execute(fates).fetchall() == [
        (False, True, False),  # LOW, by night, until six
        (False, True, False),  # PUMP, until the silence was lifted
        (True, False, True),  # closed by hand
    ]
    done = connection.execute("SELECT done, count(*) FROM answer GROUP BY done ORDER BY done")
    assert done.fetchall() == [(False, 1), (True, 6)]
    if not restarts:
        return
    again = store.situation()
    assert decide(LIVELY, again, Inputs(now), NoReadings()) == Changes()


def test_a_silence_needs_an_end_a_reason_and_somebody_also_in_the_database(connection):
    put = (
        "INSERT INTO silence VALUES (gen_random_uuid(), 'Σ-2026-0001', %s, %s, now(), now(), "
        "now() + %s, %s, '{}', NULL, NULL, NULL, '', '')"
    )
    good = ["Άννα", "έργα", timedelta(hours=1), '{"zone": ["z01"]}']
    for place, wrong in enumerate(["", "", timedelta(0), "{}"]):
        with pytest.raises(Exception, match="check"):
            connection.execute(put, [*good[:place], wrong, *good[place + 1 :]])
    connection.execute(put, good)


def test_an_end_that_the_desk_has_not_heard_of_is_not_known_to_a_new_one(connection, store):
    """The worker is ahead of the desk when it is killed: the next one decides as it would have."""
    arrive(connection, alerts=[BURST])
    situation = store.situation()
    decide_once(store, situation, at("03:00"))
    arrive(connection, alerts=[cleared(BURST, at("03:30"))])
    assert store.situation() == situation
    changes = decide_once(store, store.situation(), at("03:40"))
    assert "cleared" in [e.what for e in changes.incident_events]


@pytest.mark.parametrize(
    ("given", "next_"), [(("0009", "0010"), "0011"), (("9999", "10000"), "10001")]
)
def test_numbers_go_on_after_the_greatest(connection, store, given, next_):
    arrive(connection, alerts=[BURST, PUMP])
    changes = decide_once(store, store.situation(), at("10:20"))
    assert (len(changes.incidents), len(changes.orders)) == (2, 2)
    for table, number in (("incident", "2026-"), ("work_order", "Ε-2026-")):
        for row, serial in enumerate(given):
            connection.execute(
                f"UPDATE {table} SET number = %s WHERE id = "
                f"(SELECT id FROM {table} ORDER BY id OFFSET %s LIMIT 1)",
                [number + serial, row],
            )
    situation = store.situation()
    assert situation.next_number("incident", 2026) == f"2026-{next_}"
    assert situation.next_number("order", 2026) == f"2026-{next_}"


def begun(connection, store):
    """A burst on call at 04:30, and its part: the crew is at work on it at 05:00."""
    burst = alert(CITY, "zm-01", "main_burst", at("04:20"), at("04:30"))
    arrive(connection, alerts=[burst])
    situation = store.situation()
    decide_once(store, situation, at("04:30"))
    (part,) = situation.orders.values()
    assert part.remaining
    arrive(connection, replies=[reply(part, "arrive", at("04:55"))])
    decide_once(store, situation, at("05:00"))
    return situation, part


def test_a_part_and_its_relief_are_the_same_after_a_restart(connection, store):
    """The day's crew is sent for while the night's works on it."""
    situation, part = begun(connection, store)
    decide_once(store, situation, at("06:30"))
    assert sorted(o.continues for o in situation.orders.values()) == ["", part.number]
    assert store.situation() == situation
    arrive(connection, replies=[reply(part, "leave", at("06:40"))])
    decide_once(store, situation, at("06:40"))
    assert situation.orders[part.id].remaining != part.remaining
    assert store.situation() == situation
    relief = next(o for o in situation.orders.values() if o.continues)
    assert {i.item for i in relief.items} == {"clamp", "sand"}  # nothing was used before


def test_who_is_at_work_when_the_incident_ends_is_booked_after_a_restart(connection, store):
    arrive(connection, alerts=[BURST])
    situation = store.situation()
    decide_once(store, situation, at("03:00"))
    (order,) = situation.orders.values()
    arrive(connection, replies=[reply(order, "arrive", at("03:30"))])
    decide_once(store, situation, at("03:30"))
    connection.execute("UPDATE incident SET state = 'closed', closed_at = %s", [at("03:40")])
    again = store.situation()
    assert (again.incidents, again.ended.keys()) == ({}, {order.incident})
    arrive(connection, replies=[reply(order, "complete", at("04:00"))])
    assert decide_once(store, again, at("04:00")).costs
    assert store.situation() == again


@pytest.mark.parametrize("days", [0, 31])
def test_a_part_without_a_word_is_remembered_until_its_crew_speaks(connection, store, days):
    """Its incident was closed, it is over; then its crew's phone has signal again, or never has."""
    _, part = begun(connection, store)
    connection.execute("UPDATE incident SET state = 'closed', closed_at = %s", [at("05:30")])
    again = store.situation()
    decide_once(store, again, at("09:30"))
    assert again.orders[part.id].state is OrderState.COMPLETED
    assert store.situation() == again
    assert again.orders[part.id].unsaid
    clamp, later = (Material("clamp", Decimal(1)),), at("09:40") + timedelta(days=days)
    if not days:
        arrive(connection, replies=[reply(part, "leave", later, used=clamp)])
    booked = decide_once(store, again, later).costs
    assert [entry.item for entry in booked] == ([] if days else ["clamp"])
    assert store.situation() == again
    assert not again.orders and not again.ended


# stock


def reserving(situation, *keys):
    """Changes that reserve one of each of these."""
    stock = {key: situation.stock_at(*key) for key in keys}
    return Changes(stock={k: replace(s, reserved=s.reserved + 1) for k, s in stock.items()})


def test_two_desks_that_reserve_the_last_one_at_once(town, connection):
    connection.execute("UPDATE stock SET on_hand = 1 WHERE item = 'clamp'")
    barrier, outcomes = Barrier(2), []
    keys = [(WAREHOUSE, "clamp"), (WAREHOUSE, "sand")]

    def reserve(keys):
        with connect(town) as mine:
            store = DeskStore(mine)
            situation = store.situation()
            changes = reserving(situation, *keys)
            barrier.wait()
            try:
                store.commit(at("03:00"), changes, situation)
                outcomes.append("reserved")
            except StaleError as error:
                outcomes.append(str(error))

    # in opposite order: locks must not cross
    threads = [Thread(target=reserve, args=[order]) for order in (keys, keys[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(outcomes) == ["clamp at warehouse changed while the plan was made", "reserved"]
    rows = connection.execute(
        "SELECT item, reserved FROM stock WHERE item IN ('clamp', 'sand') ORDER BY item"
    ).fetchall()
    assert rows == [("clamp", 1), ("sand", 1)]


def test_a_stale_decision_leaves_nothing_behind(connection, store):
    arrive(connection, alerts=[BURST])
    situation = store.situation()
    changes = decide(CITY, situation, store.inputs(at("03:00")), NoReadings())
    assert changes.stock and changes.orders
    connection.execute("UPDATE stock SET on_hand = on_hand - 1 WHERE item = 'clamp'")
    with pytest.raises(StaleError):
        store.commit(at("03:00"), changes, situation)
    counts = connection.execute(
        "SELECT (SELECT count(*) FROM incident), (SELECT count(*) FROM work_order), "
        "(SELECT count(*) FROM outbox), (SELECT count(*) FROM inbox WHERE taken)"
    ).fetchone()
    assert counts == (0, 0, 0, 0)
    decide_once(store, store.situation(), at("03:00"))
    assert store.clock() == at("03:00")


@pytest.mark.parametrize("column", ["on_hand", "reserved"])
def test_the_database_itself_refuses_stock_below_nothing(connection, store, column):
    situation = store.situation()
    stock = situation.stock_at(WAREHOUSE, "clamp")
    changes = Changes(stock={(WAREHOUSE, "clamp"): replace(stock, **{column: Decimal(-1)})})
    with pytest.raises(Exception, match=f"stock_{column}_check"):
        store.commit(at("03:00"), changes, situation)


# what goes out


def test_messages_are_unsent_until_marked_and_written_once(connection, store):
    arrive(connection, alerts=[BURST])
    situation = store.situation()
    changes = decide_once(store, situation, at("03:00"))
    assert store.unsent() == changes.outbox
    assert store.unsent([changes.outbox[0].id]) == changes.outbox[1:]
    store.mark_sent([m.id for m in changes.outbox])
    assert store.unsent() == []
    with connection.transaction(), connection.cursor() as cursor:
        from kel.store.desk import write_changes

        write_changes(cursor, changes)
    assert store.unsent() == []
    assert all(isinstance(m.id, UUID) for m in changes.outbox)
