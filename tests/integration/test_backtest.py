"""`kel backtest` on the real database: another limit's price, the export, and the way back."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from click.testing import CliRunner

from kel.cli import kel
from kel.model.cost import CostEntry, CostKind, CostNature
from kel.model.frame import Frame, join
from kel.model.ids import make_id
from kel.model.incident import Incident, IncidentState
from kel.model.moment import MINUTE_US, to_us
from kel.model.order import OrderState, WorkOrder
from kel.model.place import Point
from kel.model.request import Request
from kel.model.situation import Changes
from kel.run.backtest import read_past, run
from kel.run.backtest_export import export
from kel.run.backtest_history import alerts_of as alerts_of_history
from kel.run.backtest_history import compare
from kel.run.cityfiles import CityFiles
from kel.store.connect import connect
from kel.store.desk import write_changes
from kel.store.stream import copy_readings
from rules.book.rulebook import make_rulebook
from tests.builders.database import make_database, running_postgres
from tests.builders.running import FOLDER, LAMPS, OPENED, example

pytestmark = pytest.mark.integration

FIRST = datetime(2026, 9, 1, tzinfo=UTC)
DAYS = 12
SINCE, UNTIL = FIRST + timedelta(days=3), FIRST + timedelta(days=DAYS)
TROUBLE = FIRST + timedelta(days=6, hours=9)  # a pump loses head
THIN_FROM = FIRST + timedelta(days=5)  # lamps are stored coarser from then on
NUMBER = "2026-0417"


def device(cls: str, n: int = 0) -> str:
    return sorted(d.id for d in example().city.devices.values() if d.cls == cls)[n]


PUMP, LAMP, ZONE = device("pump"), device("lamp"), device("zone")


def series(cls: str, id_: str, minutes: int, **columns) -> Frame:
    """A device's readings over all days; a column is a number, or one of (minutes since FIRST,)."""
    n = np.arange(0, DAYS * 1440, minutes)
    time = to_us(FIRST) + n * MINUTE_US
    values = {
        m: np.full(len(n), np.nan) for m in (k.name for k in example().city.classes[cls].metrics)
    }
    for name, value in columns.items():
        values[name] = (
            np.array([value(x) for x in n.tolist()])
            if callable(value)
            else np.full(len(n), float(value))
        )
    number = example().city.devices[id_].number
    return Frame(cls, time, time, np.full(len(n), number, np.int32), values)


def worn(minute: int) -> float:
    """The head falls by a metre in ten minutes, and comes back after six hours."""
    design = example().city.devices[PUMP].attributes["design_head"]
    since = minute - (TROUBLE - FIRST) / timedelta(minutes=1)
    return design - (min(max(since, 0) / 600, 0.3) * design if since < 360 else 0)


def history() -> list[Frame]:
    lamps = [
        series("lamp", LAMP, 30, power=0, failure=0),
        series("lamp", device("lamp", 1), 30, power=0),
    ]
    lamp = join(lamps)
    whole = lamp.time < to_us(THIN_FROM)
    sixth = (lamp.time - to_us(FIRST)) % (360 * MINUTE_US) == 0
    pumps = [
        series("pump", PUMP, 1, head=worn, running=1, flow=30),
        series("pump", device("pump", 1), 1, running=0),
    ]
    zones = [series("zone", ZONE, 5, flow=1, pressure=4)]
    return [join(pumps), lamp.take(whole | sixth), join(zones)]


def changed(limit: float) -> CityFiles:
    """The example city, where a pump alerts at another share of its design head."""
    files = example()
    rules = [
        rule.model_copy(update={"below": limit}) if rule.id == "pump-head-low" else rule
        for rule in files.rulebook.rules
    ]
    return replace(files, rulebook=make_rulebook(tuple(rules)))


@pytest.fixture(scope="module")
def server():
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def settings(server):
    settings = make_database(server, "backtest", example().city, OPENED)
    with connect(settings) as connection:
        with connection.transaction(), connection.cursor() as cursor:
            for frame in history():
                copy_readings(cursor, frame)
            write_changes(cursor, ledger())
            cursor.execute("UPDATE desk SET clock = %s", [UNTIL])
        put_request(connection)
    return settings


def ledger() -> Changes:
    """A pump incident of long ago, closed, with its costs; and the one of the history's alert."""
    changes = Changes()
    past = incident("2026-0007", FIRST - timedelta(days=30))
    changes.incidents = {past.id: past}
    done = order(past)
    changes.orders = {done.id: done}
    changes.costs = [
        cost(past, CostKind.LABOUR, 4, "h", 15, done),
        cost(past, CostKind.ENERGY, 60, "kWh", 0.2),
    ]
    (alert,) = [a for a in alerts_of(example()) if a.device == PUMP]
    now = replace(incident(NUMBER, alert.detected_at), alerts=(alert.id,), closed_at=None)
    changes.incidents[now.id] = replace(now, state=IncidentState.OPEN, resolved_at=None)
    return changes


def incident(number: str, opened: datetime) -> Incident:
    return Incident(
        id=make_id("incident", number),
        number=number,
        category="pump",
        severity=example().city.categories["pump"].severity,
        state=IncidentState.CLOSED,
        cause=PUMP,
        community=example().city.devices[PUMP].community,
        place=Point(38.1, 23.8),
        opened_at=opened,
        started_at=opened - timedelta(hours=1),
        title="Βλάβη αντλιοστασίου",
        resolved_at=opened + timedelta(hours=2),
        closed_at=opened + timedelta(hours=3),
        requests=(make_id("request", number),),
    )


def order(of: Incident) -> WorkOrder:
    at, crew = of.opened_at, sorted(example().city.crews)[0]
    return WorkOrder(
        make_id("order", of.number), "Ε-2026-0001", of.id, of.category, crew, (), (), (),
        OrderState.COMPLETED, of.place, at, at, at, at, at, 3.0, completed_at=of.resolved_at,
    )  # fmt: skip


def cost(
    of: Incident,
    kind: CostKind,
    quantity: float,
    unit: str,
    price: float,
    by: WorkOrder | None = None,
) -> CostEntry:
    amount = Decimal(str(quantity)) * Decimal(str(price))
    return CostEntry(
        make_id("cost", of.id, kind), of.opened_at, kind, CostNature.MANAGEMENT, amount,
        Decimal(str(quantity)), unit, Decimal(str(price)), of.id, of.community, "pump", "",
        order=by.id if by else None,
    )  # fmt: skip


def put_request(connection) -> None:
    request = Request(
        make_id("request", "x"), SINCE + timedelta(days=1), SINCE + timedelta(days=1), "drosia",
        "road", "λακκούβα", Point(38.1, 23.85),
    )  # fmt: skip
    connection.execute(
        "INSERT INTO request VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        [request.id, request.at, request.arrival, request.community, request.category]
        + [request.text, 38.1, 23.85],
    )


def alerts_of(files: CityFiles):
    from kel.backtest.replay import Replay
    from kel.backtest.stretch import in_days, stretches

    replay = Replay(files.rulebook, files.city)
    for stretch in stretches({frame.cls: in_days(frame) for frame in history()}):
        replay.feed(stretch)
    return [a for a in replay.alerts if a.rule == "pump-head-low"]


def outcome_of(settings, limit: float):
    with connect(settings) as connection:
        return compare(connection, example(), changed(limit), (SINCE, UNTIL))


def test_a_limit_that_is_never_reached_loses_the_incident_with_its_number_and_price(settings):
    outcome = outcome_of(settings, 0.2)
    (lost,) = outcome.difference.lost
    assert outcome.number(lost) == NUMBER
    assert lost.signs == {("pump-head-low", PUMP)}
    assert not outcome.difference.gained and not outcome.difference.moved
    assert outcome.effect.work.hours == -4
    assert outcome.effect.work.work == -60
    assert outcome.prices["pump"].incidents == 1
    (rule,) = [r for r in outcome.rules if r.rule == "pump-head-low"]
    assert (rule.before, rule.after, rule.lost, rule.gained) == (1, 0, 1, 0)


def test_a_tighter_limit_sees_it_earlier_and_saves_energy(settings):
    """30 % in 180 minutes: 0.85 is crossed after 90, 0.9 after 60, and both hold for 15."""
    outcome = outcome_of(settings, 0.9)
    (moved,) = outcome.difference.moved
    assert moved.earlier == timedelta(minutes=30)
    assert outcome.effect.delay.kwh == -10  # 60 kWh in the three hours of the like one
    assert outcome.effect.delay.energy == pytest.approx(-10 * 0.19)
    assert outcome.effect.work.hours == 0


def test_the_same_rulebook_changes_nothing(settings):
    with connect(settings) as connection:
        outcome = compare(connection, example(), example(), (SINCE, UNTIL))
    found = outcome.difference
    assert not (found.gained or found.lost or found.moved or found.joined or found.split)
    assert found.same == outcome.before.incidents == outcome.after.incidents > 1  # the request too
    assert outcome.effect.total == 0
    assert outcome.changed == []
    assert any("κανένας δεν άλλαξε" in note for note in outcome.notes)


def test_thinned_history_is_told_and_no_rule_cries_at_it(settings):
    outcome = outcome_of(settings, 0.2)
    (told,) = [note for note in outcome.notes if "Δεν κρίθηκαν" in note]
    assert "lamp-silent" in told
    assert "μία μέτρηση ανά 6 ώ" in told
    assert not [r for r in outcome.rules if r.rule in ("lamp-silent", "feeder-lamps-silent")]


def test_what_is_not_kept_is_told(settings):
    with connect(settings) as connection:
        early = FIRST - timedelta(days=20)
        outcome = compare(connection, example(), changed(0.2), (early, UNTIL + timedelta(days=9)))
    told = "\n".join(outcome.notes)
    assert "Μετρήσεις υπάρχουν μόνο από 01/09/2026" in told
    assert "Η βάση έχει φτάσει ως 13/09/2026" in told
    assert outcome.until == UNTIL


def test_a_device_that_is_new_is_told_and_not_judged(settings):
    files = example()
    new = replace(files.city.devices[PUMP], id="ps-99", number=9999, address="ps-99")
    after = replace(files, city=replace(files.city, devices={**files.city.devices, "ps-99": new}))
    with connect(settings) as connection:
        outcome = compare(connection, files, after, (SINCE, UNTIL))
    assert any("ps-99" in note for note in outcome.notes)
    assert not outcome.difference.gained
    assert outcome.before.alerts == outcome.after.alerts


@pytest.mark.parametrize(
    ("since", "until", "told"),
    [
        (UNTIL, SINCE, "--from must be before --to"),
        (UNTIL + timedelta(days=1), UNTIL + timedelta(days=2), "there is nothing since"),
        (FIRST - timedelta(days=90), FIRST - timedelta(days=80), "no readings are stored"),
    ],
)
def test_spans_that_cannot_be_judged_are_refused(settings, since, until, told):
    with connect(settings) as connection, pytest.raises((ValueError, LookupError), match=told):
        compare(connection, example(), changed(0.2), (since, until))


def test_a_proposal_without_a_device_class_that_todays_rules_watch_is_refused(settings):
    files = example()
    city = replace(
        files.city, classes={k: c for k, c in files.city.classes.items() if k != "camera"}
    )
    mute = [r for r in files.rulebook.rules if r.watch.cls not in ("camera", "fire")]
    after = replace(files, city=city, rulebook=make_rulebook(tuple(mute)))
    with connect(settings) as connection, pytest.raises(LookupError, match="no device class 'cam"):
        compare(connection, files, after, (SINCE, UNTIL))


def test_the_export_is_read_back_and_tells_the_same(settings, tmp_path):
    with connect(settings) as connection:
        rows = export(connection, example().city, tmp_path)
    assert rows == {frame.cls: len(frame) for frame in history()}
    assert (tmp_path / "pump/2026-09.parquet").exists()
    past = read_past(tmp_path, example().city)
    found = [a for a in run(past, example()) if a.rule == "pump-head-low"]
    assert found == alerts_of(example())
    assert any("lamp-silent" in note and "Δεν κρίθηκαν" in note for note in past.notes)


def test_the_database_an_export_of_it_and_a_file_leave_the_same_out(settings, tmp_path):
    files = example()
    with connect(settings) as connection:
        export(connection, files.city, tmp_path)
        stored, notes = alerts_of_history(connection, files, (FIRST, UNTIL))
    past = read_past(tmp_path, files.city)
    exported = run(past, files)
    assert exported == stored
    assert not [a for a in exported if a.rule == "lamp-silent"]
    assert [n for n in notes if n in past.notes] == past.notes != []


@pytest.mark.parametrize(
    ("since", "until", "told"),
    [
        (UNTIL, SINCE, "--from must be before --to"),
        (FIRST - timedelta(days=90), FIRST - timedelta(days=80), "no readings are stored"),
    ],
)
def test_an_export_of_nothing_is_refused(settings, tmp_path, since, until, told):
    with connect(settings) as connection, pytest.raises((ValueError, LookupError), match=told):
        export(connection, example().city, tmp_path, since, until)


def test_the_command(settings, tmp_path):
    environment = {
        "KEL_DATABASE": settings.database,
        "KEL_DATABASE_PASSWORD": settings.database_password.get_secret_value(),
        "KEL_CITY": str(FOLDER),
        "KEL_LAMPS_PER_FEEDER": str(LAMPS),
    }
    rules = tmp_path / "rules.toml"
    text = (FOLDER / "rules.toml").read_text("utf-8")
    assert text.count("below = 0.85") == 1
    rules.write_text(text.replace("below = 0.85", "below = 0.9"), "utf-8")
    span = ["--from", "2026-09-04", "--to", "2026-09-12"]

    def ran(*more: str):
        return CliRunner().invoke(kel, ["backtest", *span, *more], env=environment)

    shown = ran("--rules", str(rules))
    assert shown.exit_code == 0, shown.output
    assert "Άλλη ώρα εντοπισμού: 1" in shown.output
    assert NUMBER in shown.output and "30′ νωρίτερα" in shown.output
    assert "Σύνολο" in shown.output

    told = json.loads(ran("--rules", str(rules), "--json").stdout)
    (moved,) = told["incidents"]["moved"]
    assert (moved["number"], moved["earlier_min"]) == (NUMBER, 30.0)
    assert told["changed"] == ["pump-head-low"]
    assert "lamp-silent" in told["left_out"]
    assert told["prices"][0]["incidents"] == 1

    alone = [json.loads(line) for line in ran("--json").stdout.splitlines()]
    assert [a["device"] for a in alone if a["rule"] == "pump-head-low"] == [PUMP]
