"""`kel incidents` on a real database and desk: who acknowledges what, and what is told instead."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result
from psycopg import Connection

from kel.cli import kel
from kel.stack import kept
from kel.topics import RAW
from tests.builders.running import System, wait_until

pytestmark = pytest.mark.integration

CITY = Path(__file__).parents[2] / "config/dionysos"
NOW = datetime(2026, 10, 18, 9, tzinfo=UTC)
STATES = {
    "2026-0001": ("open", None),
    "2026-0002": ("in_progress", None),
    "2026-0003": ("acknowledged", NOW - timedelta(hours=1)),
    "2026-0004": ("closed", None),
}


@pytest.fixture
def stored(system: System, connection: Connection) -> System:
    """Four incidents, and a stream that has come to NOW."""
    for number, (state, acknowledged) in STATES.items():
        connection.execute(
            "INSERT INTO incident (id, number, category, severity, state, community, lat, lon,"
            " title, opened_at, started_at, acknowledged_at, closed_at, alerts, requests) VALUES"
            " (%s, %s, 'road', 2, %s, 'drosia', 38.1, 23.8, 'Φθορά οδοστρώματος — Δροσιά',"
            " %s, %s, %s, %s, '{}', '{}')",
            [uuid4(), number, state, NOW, NOW, acknowledged, NOW if state == "closed" else None],
        )
    connection.execute("UPDATE desk SET clock = %s", [NOW])
    for partition in range(12):
        connection.execute(
            "INSERT INTO progress VALUES (%s, %s, 'x', 0, %s)", [RAW, partition, NOW]
        )
    return system


def run(system: System, *arguments: str) -> Result:
    return CliRunner().invoke(
        kel, ["incidents", *arguments], env=dict(system.environment("kel-desk"))
    )


@pytest.fixture
def desk(stored: System, connection: Connection) -> Iterator[System]:
    """A desk at work; time goes on by a second, again and again."""
    stored.start("desk")
    wait_until(
        lambda: (
            connection.execute("SELECT FROM pg_stat_activity WHERE query LIKE 'LISTEN%'").fetchall()
            or connection.execute("SELECT FROM pg_locks WHERE locktype = 'advisory'").fetchall()
        ),
        what="a desk leads",
    )
    over = threading.Event()
    ticking = threading.Thread(target=_tick, args=(stored, over))
    ticking.start()
    yield stored
    over.set()
    ticking.join()


def _tick(system: System, over: threading.Event) -> None:
    from kel.store.connect import connect

    with connect(system.database) as connection:
        while not over.wait(0.1):
            connection.execute("UPDATE progress SET tick = tick + interval '1 second'")


def history(connection: Connection, number: str) -> list[tuple[str, str, str]]:
    rows: list[tuple[str, str, str]] = connection.execute(
        "SELECT what, who, e.why FROM incident_event e JOIN incident i ON i.id = e.incident "
        "WHERE number = %s AND what = 'acknowledged'",
        [number],
    ).fetchall()
    return rows


@pytest.mark.parametrize(
    ("number", "state"), [("2026-0001", "acknowledged"), ("2026-0002", "in_progress")]
)
def test_an_incident_is_acknowledged_with_who_and_why(
    desk: System, connection: Connection, number: str, state: str
) -> None:
    told = run(desk, "ack", number, "--why", "πάω εγώ", "--who", "Μαρία")
    assert (told.exit_code, told.output) == (0, f"{number}: αναγνωρίστηκε (Μαρία)\n")
    assert history(connection, number) == [("acknowledged", "Μαρία", "πάω εγώ")]
    row = connection.execute(
        "SELECT state, acknowledged_at >= %s FROM incident WHERE number = %s", [NOW, number]
    ).fetchone()
    assert row == (state, True)
    again = run(desk, "ack", number)
    assert again.exit_code == 1
    assert f"{number}: αναγνωρίστηκε ήδη, 18/10 12:0" in again.output


@pytest.mark.parametrize(
    ("number", "told"),
    [
        ("2026-0003", "2026-0003: αναγνωρίστηκε ήδη, 18/10 11:00"),
        ("2026-0004", "2026-0004: έκλεισε"),
        ("2026-0999", "δεν υπάρχει συμβάν 2026-0999: δείτε `kel incidents list --all`"),
        ("'; DROP TABLE incident; --", "δεν υπάρχει συμβάν"),
    ],
)
def test_what_cannot_be_acknowledged(
    stored: System, connection: Connection, number: str, told: str
) -> None:
    done = run(stored, "ack", number)
    assert done.exit_code == 1
    assert told in done.output
    assert connection.execute("SELECT count(*) FROM command").fetchone() == (0,)


def test_without_a_desk_the_word_waits(
    stored: System, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_USER", "eleni")
    done = run(stored, "ack", "2026-0001")
    assert (done.exit_code, done.output) == (
        0,
        "2026-0001: σημειώθηκε· δεν τρέχει γραφείο τώρα, θα το πάρει το επόμενο\n",
    )
    assert connection.execute("SELECT who, incident FROM command").fetchall() == [
        ("eleni", "2026-0001")  # who sits there, not whom sudo made of them
    ]
    assert connection.execute("SELECT word FROM inbox WHERE NOT taken").fetchall() == [("command",)]


def test_a_desk_that_stands_still_is_told(
    stored: System, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kel.cli import asking
    from kel.store.desk import LOCK

    monkeypatch.setattr(asking, "ANSWER_S", 0.3)
    connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
    done = run(stored, "ack", "2026-0001")
    assert done.exit_code == 1
    assert "δείτε `kel doctor`" in done.output


def test_the_list_and_its_json(stored: System) -> None:
    listed = run(stored, "list")
    assert listed.exit_code == 0, listed.output
    numbers = sorted(n[:9] for n in listed.output.splitlines() if n.startswith("2026-"))
    assert numbers == ["2026-0001", "2026-0002", "2026-0003"]
    assert "18/10 12:00" in listed.output
    assert "2026-0004" in run(stored, "list", "--all").output
    cut = run(stored, "list", "--most", "1").output.splitlines()
    assert len(cut) == 5 and cut[-1] == "2 ακόμη δεν φαίνονται: --most 3"
    found = json.loads(run(stored, "list", "--json").stdout)
    assert [one["number"] for one in found] == ["2026-0001", "2026-0003", "2026-0002"]
    assert {one["category_label"] for one in found} == {"Φθορά οδοστρώματος"}
    assert len(json.loads(run(stored, "list", "--all", "--json").stdout)) == len(STATES)


RULEBOOK = """[[rule]]
id = "zone-night-flow"
label = "Νυχτερινή παροχή ζώνης"
"""


def test_one_incident_has_all_that_it_takes_to_act(stored: System, connection: Connection) -> None:
    """Alerts by their rules' labels, requests by their categories', the runbook."""
    alert, asked = uuid4(), uuid4()
    facts = {"value": 29.5, "expected": 2.9, "excess": 26.6, "limit": 6.0, "for_s": 1200.0}
    evidence = {"cls": "zone", "device": "zm-07", "metric": "flow", "facts": facts}
    evidence |= {"since": NOW.isoformat(), "until": NOW.isoformat()}
    connection.execute("INSERT INTO rulebook VALUES ('v1', %s)", [RULEBOOK])
    connection.execute(
        "INSERT INTO alert (id, rule, rulebook, kind, device, category, severity, started_at,"
        " detected_at, community, zone, evidence) VALUES (%s, 'zone-night-flow', 'v1',"
        " 'night_flow', 'zm-07', 'main_burst', 4, %s, %s, 'drosia', 'z07', %s)",
        [alert, NOW, NOW, json.dumps(evidence)],
    )
    connection.execute(
        "INSERT INTO request VALUES"
        " (%s, %s, %s, 'drosia', 'low_pressure', 'Λίγο νερό', NULL, NULL)",
        [asked, NOW, NOW],
    )
    connection.execute(
        "UPDATE incident SET category = 'main_burst', severity = 4, alerts = %s, requests = %s"
        " WHERE number = '2026-0001'",
        [[alert], [asked]],
    )
    connection.execute(
        "INSERT INTO incident_event (id, incident, at, what, who, why) SELECT %s, id, %s, 'opened',"
        " 'kel', 'κανόνας zone-night-flow' FROM incident WHERE number = '2026-0001'",
        [uuid4(), NOW],
    )
    told = run(stored, "show", "2026-0001")
    assert told.exit_code == 0, told.output
    for part in (
        "κατάσταση  κρίσιμη, ανοικτό από 18/10 12:00",
        "επόμενο    18/10 12:15 καλείται Επιφυλακή Σαββατοκύριακου",
        f"{str(alert)[:8]}  κρίσιμη: Νυχτερινή παροχή ζώνης · Μετρητής ζώνης Άνοιξη – Νότος",
        "Παροχή εισόδου 29,5 m³/h, αναμενόμενη 2,9, υπέρβαση 26,6 (όριο 6) επί 20 λεπτά",
        "από 18/10 12:00, ενεργή",
        f"{str(asked)[:8]}  18/10 12:00 Χαμηλή πίεση δικτύου: «Λίγο νερό»",
        "Τι κάνουμε\n  1. Μοιάζει με θραύση;",
    ):
        assert part in told.output, told.output
    history = run(stored, "history", "2026-0001").output
    assert "κανόνας «Νυχτερινή παροχή ζώνης»" in history


@pytest.mark.parametrize(
    ("broken", "ahead"), [("rules.toml", True), ("crews.toml", False), ("runbook.md", False)]
)
def test_an_incident_is_shown_while_the_folder_has_mistakes(
    stored: System, tmp_path: Path, broken: str, ahead: bool
) -> None:
    environment = dict(stored.environment("kel-desk"))
    folder = tmp_path / "city"
    shutil.copytree(CITY, folder)
    with (folder / broken).open("a") as file:
        file.write("\n## twice\n\n## twice\n" if broken.endswith(".md") else "\nx = \n")
    environment["KEL_CITY"] = str(folder)
    told = CliRunner().invoke(kel, ["incidents", "show", "2026-0001"], env=environment)
    assert told.exit_code == 0, told.output
    assert "κατηγορία  Φθορά οδοστρώματος\n" in told.output
    assert "τόπος      Δροσιά · " in told.output
    assert "προσοχή    ο φάκελος της πόλης έχει λάθη" in told.output and broken in told.output
    assert ("επόμενο" in told.output) == ahead


# what else operators say


def told(system: System, *arguments: str) -> str:
    done = run(system, *arguments)
    assert done.exit_code == 0, done.output
    return done.output


def test_what_an_operator_says_is_done_and_stands_in_the_history(desk: System) -> None:
    """From handing on to closing, each by a command of its own."""
    who = ("--who", "Μαρία")
    assert told(
        desk, "hand-on", "2026-0001", "--to", "Περιφέρεια", "--protocol", "77", "--ask", "7d", *who
    ).startswith("2026-0001: διαβιβάστηκε σε Περιφέρεια, αρ. πρωτ. 77, ερώτηση ξανά 25/10")
    assert "→ Περιφέρεια" in told(desk, "list")
    assert "διαβιβάστηκε σε Περιφέρεια" in told(desk, "show", "2026-0001")
    assert told(desk, "assign", "2026-0001", "--crew", "works", *who) == (
        "2026-0001: ανατέθηκε, συνεργείο: Τεχνικά έργα και καθαριότητα\n"
    )
    assert told(desk, "merge", "2026-0001", "2026-0003", "--why", "ίδια λακκούβα", *who) == (
        "2026-0003: ενώθηκε με το 2026-0001\n"
    )
    assert told(desk, "close", "2026-0001", "--why", "το έφτιαξε η Περιφέρεια", *who) == (
        "2026-0001: έκλεισε\n"
    )
    lines = told(desk, "history", "2026-0001").splitlines()
    for what in ("διαβιβάστηκε", "ανατέθηκε", "ενώθηκε", "έκλεισε"):
        (line,) = (x for x in lines if f"  {what}" in x)
        assert "18/10 12:0" in line and "Μαρία" in line
    assert "το έφτιαξε η Περιφέρεια" in lines[-1]


REFUSED = [
    (("hand-on", "2026-0001", "--to", "Χ", "--ask", "2020-01-01"), "πότε να ερωτηθεί ξανά;"),
    (("assign", "2026-0001", "--crew", "nobody"), "δεν υπάρχει συνεργείο nobody· υπάρχουν: "),
    (("merge", "2026-0001", "1"), "το 2026-0001 είναι το ίδιο συμβάν"),
    (("assign", "0001", "--to", " "), "σε ποιον;"),
    (("hand-on", "1", "--to", " ", "--ask", "7d"), "σε ποιον;"),
    (("split", "2026-0001", "abc"), "2026-0001: κανένα μέλος δεν αρχίζει από «abc»"),
    (("silence", "--zone", "z99", "--until", "2h", "--why", "έργα"), "ζώνη z99: δεν υπάρχει"),
    (
        (
            "silence",
            "--zone",
            "z01",
            "--until",
            "2h",
            "--days",
            "mon",
            "--from",
            "25:00",
            "--to",
            "06:00",
            "--why",
            "έργα",
        ),
        "--from: «25:00» δεν είναι ώρα",
    ),
    (("unsilence", "7"), "δεν ισχύει σίγαση Σ-2026-0007"),
]


def test_what_the_desk_refuses_says_why_in_one_line(desk: System, connection: Connection) -> None:
    for arguments, why in REFUSED:
        done = run(desk, *arguments)
        assert (done.exit_code, why in done.output) == (1, True), (arguments, done.output)
    rows = connection.execute("SELECT done, count(*) FROM answer GROUP BY done").fetchall()
    assert rows == [(False, len(REFUSED))]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("complete", "2026-0004", "--why", "."), "2026-0004: έκλεισε"),
        (("close", "2026-0999", "--why", "."), "δεν υπάρχει συμβάν 2026-0999"),
        (("show", "2026-0999"), "δεν υπάρχει συμβάν 2026-0999"),
        (("silence", "--until", "2h", "--why", "έργα"), "name what it is about"),
        (("silence", "--rule", "x", "--until", "2h", "--why", "έργα"), "δεν υπάρχει κανόνας x"),
        (("silence", "--zone", "z01", "--why", "έργα"), "Missing option '--until'"),
        (("silence", "--zone", "z01", "--until", "2h"), "Missing option '--why'"),
        (
            ("silence", "--zone", "z01", "--until", "then", "--why", "."),
            "value for --until: 'then'",
        ),
        (("hand-on", "1", "--to", "Χ", "--ask", "then"), "value for --ask: 'then': write 2026"),
    ],
)
def test_what_is_not_even_asked(
    stored: System, connection: Connection, arguments: tuple[str, ...], why: str
) -> None:
    done = run(stored, *arguments)
    assert done.exit_code != 0
    assert why in done.output
    assert connection.execute("SELECT count(*) FROM command").fetchone() == (0,)


def test_a_silence_from_its_beginning_to_its_end(desk: System, connection: Connection) -> None:
    assert told(desk, "silences") == "Σιγάσεις (0)\n" + told(desk, "silences").split("\n", 1)[1]
    made = told(
        desk, "silence", "--zone", "z07", "--until", "3d", "--days", "mon,tue",
        "--from", "22:00", "--to", "06:00", "--why", "πλύσιμο", "--who", "Μαρία",
    )  # fmt: skip
    assert made.startswith("Σ-2026-0001: κρύβει ζώνη ")
    assert made.endswith("Δε Τρ 22:00–06:00 · άρση: kel incidents unsilence 2026-0001\n")
    line = told(desk, "silences").splitlines()[2]
    for part in ("Σ-2026-0001", "ζώνη ", "Δε Τρ 22:00–06:00", "0 (0)", "Μαρία", "πλύσιμο"):
        assert part in line
    assert "\nΤι έκρυψε (0)" in told(desk, "silences", "2026-0001")
    missing = run(desk, "silences", "2026-0009")
    assert missing.exit_code == 1 and "δεν υπάρχει σίγαση Σ-2026-0009" in missing.output
    assert told(desk, "unsilence", "2026-0001", "--why", "τέλος") == (
        "Σ-2026-0001: άρση, δεν έκρυβε τίποτα ενεργό\n"
    )
    assert "Σ-2026-0001" not in told(desk, "silences")
    assert "άρση" in told(desk, "silences", "--all")
    ended = "SELECT ended_why FROM silence WHERE ended_at IS NOT NULL"
    assert connection.execute(ended).fetchall() == [("τέλος",)]


# where nothing is named


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Result]]:
    """Commands of a person who has set nothing, on a machine where nothing has run."""
    monkeypatch.setattr(kept, "RUNNING", tmp_path / "running")
    monkeypatch.setattr(kept, "KEPT", tmp_path / "kept")
    for name in ("KEL_DATABASE", "KEL_DATABASE_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    return lambda *a: CliRunner().invoke(kel, ["incidents", *a])


def test_nothing_to_list(elsewhere: Callable[..., Result]) -> None:
    done = elsewhere("list")
    assert "set KEL_DATABASE, or run `kel demo` or `kel up` first" in str(done.exception)


def test_nothing_to_acknowledge_at(elsewhere: Callable[..., Result]) -> None:
    done = elsewhere("ack", "2026-0001")
    assert done.exit_code == 1
    assert "δεν τρέχει τίποτα εδώ" in done.output


def test_what_runs_is_found_and_what_died_is_not(
    elsewhere: Callable[..., Result], stored: System
) -> None:
    file = kept.announce(stored.stack)
    said = json.loads(file.read_text())
    said["url"] = stored.database.database
    file.write_text(json.dumps(said))
    assert "2026-0001" in elsewhere("list").output
    file.write_text(json.dumps({**said, "owner": 2**22 - 1}))  # no such process
    assert elsewhere("list").exception
    assert not file.exists()
