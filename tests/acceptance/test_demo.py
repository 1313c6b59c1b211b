"""The demo, whole, on the real parts and not paced: what the city was promised to see.

One run of `kel demo`, as a person gives the command; the tests ask its result, its database and
its page.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection
from pypdf import PdfReader

from grafana.queries import panel_queries
from kel.settings import Settings
from kel.stack import kept
from kel.store.connect import connect

pytestmark = [pytest.mark.integration, pytest.mark.alone, pytest.mark.timeout(400)]

ROOT = Path(__file__).parents[2]
STORY = "2026-10-17 21:00+00"  # midnight in Athens


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """Where this demo's database is kept: PostgreSQL's own user must get there."""
    folder = Path(tempfile.mkdtemp(prefix="kel-test-demo-", dir="/var/tmp"))
    folder.chmod(0o711)
    yield folder / "kept"
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory, place: Path) -> dict[str, Any]:
    reports = tmp_path_factory.mktemp("reports")
    done = subprocess.run(
        [sys.executable, "-m", "kel.cli", "demo", "--json", "--seconds", "20"],
        env={**_environment(), "KEL_REPORTS": str(reports), "KEL_KEEP": str(place)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=390,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    last: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return last


@pytest.fixture(scope="module")
def settings(result: dict[str, Any], place: Path) -> Iterator[Settings]:
    """Of the database that the demo left."""
    assert result
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept, "KEPT", place)
        with kept.kept_database(Settings()) as found:
            yield found


@pytest.fixture(scope="module")
def database(settings: Settings) -> Iterator[Connection]:
    with connect(settings) as connection:
        yield connection


def _environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("KEL_")}


def test_the_numbers_are_those_of_a_whole_day(result: dict[str, Any]) -> None:
    assert result["readings"] > 100_000
    assert result["rejected"] == 8  # as many bad messages as story.toml sends, each once
    assert result["incidents"] >= 4
    assert result["orders"] >= 4
    assert result["completed"] >= 3
    assert result["cost_eur"] > 0


@pytest.mark.parametrize(
    ("device", "category", "crew", "materials"),
    [
        ("zm-07", "main_burst", "water-2", {"clamp-dn150", "coupling-dn150", "sand"}),
        ("ps-09", "pump", "pumps", {"seal-40", "bearing-6308"}),
        ("fc-29", "feeder", "electric", {"breaker-c32", "contactor-40"}),
        ("cam-11", "fire", "green-fire", {"diesel"}),
    ],
)
def test_each_trouble_is_one_incident_with_its_crew_and_materials(
    database: Connection, device: str, category: str, crew: str, materials: set[str]
) -> None:
    found = database.execute(
        "SELECT DISTINCT i.id, i.category FROM incident i JOIN alert a ON a.id = ANY(i.alerts) "
        "WHERE a.device = %s AND i.opened_at > %s",
        [device, STORY],
    ).fetchall()
    assert [c for _, c in found] == [category]
    orders = database.execute(
        "SELECT id, crew, state FROM work_order WHERE incident = %s", [found[0][0]]
    ).fetchall()
    assert [(c, s) for _, c, s in orders] == [(crew, "completed")]
    planned = database.execute(
        "SELECT item FROM order_item WHERE order_id = %s AND planned > 0", [orders[0][0]]
    ).fetchall()
    assert materials <= {item for (item,) in planned}


def test_a_dark_feeder_hushes_its_lamps(database: Connection) -> None:
    silent, incidents = database.execute(
        "SELECT count(DISTINCT a.id), count(DISTINCT i.id) FROM alert a "
        "JOIN incident i ON a.id = ANY(i.alerts) "
        "WHERE a.feeder = 'f29' AND a.rule = 'lamp-silent' AND a.detected_at > %s",
        [STORY],
    ).fetchone() or (0, 0)
    assert silent >= 40
    assert incidents == 1


def test_citizens_and_sensors_tell_of_one_burst(database: Connection) -> None:
    row = database.execute(
        "SELECT cardinality(alerts), cardinality(requests) FROM incident "
        "WHERE category = 'main_burst' AND opened_at > %s",
        [STORY],
    ).fetchall()
    assert len(row) == 1
    assert row[0][0] >= 2
    assert row[0][1] == 2


def test_the_burst_cost_labour_vehicles_materials_and_water(database: Connection) -> None:
    kinds = database.execute(
        "SELECT DISTINCT kind FROM cost_entry c JOIN incident i ON i.id = c.incident "
        "WHERE i.category = 'main_burst' AND i.opened_at > %s",
        [STORY],
    ).fetchall()
    assert {k for (k,) in kinds} == {"labour", "vehicle", "material", "water"}


def test_the_ledger_explains_every_unit_of_stock(database: Connection) -> None:
    wrong = database.execute(
        "SELECT s.place, s.item, s.on_hand, coalesce(sum(m.quantity), 0) FROM stock s "
        "LEFT JOIN movement m USING (place, item) GROUP BY 1, 2, 3 "
        "HAVING s.on_hand <> coalesce(sum(m.quantity), 0)"
    ).fetchall()
    assert wrong == []


def test_nothing_that_was_reserved_is_left_over(database: Connection) -> None:
    wrong = database.execute(
        "SELECT s.place, s.item FROM stock s LEFT JOIN reservation r "
        "ON (r.place, r.item) = (s.place, s.item) AND r.open "
        "GROUP BY s.place, s.item, s.reserved HAVING s.reserved <> coalesce(sum(r.quantity), 0)"
    ).fetchall()
    assert wrong == []


def test_the_largest_entry_leads_back_to_what_caused_it(settings: Settings) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kel.cli", "trace", "largest", "--json"],
        cwd=ROOT,
        env={
            **_environment(),
            "KEL_DATABASE": settings.database,
            "KEL_DATABASE_PASSWORD": settings.database_password.get_secret_value(),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    traced = json.loads(done.stdout)
    assert traced["incident"]
    assert traced["alerts"] or traced["requests"]


def test_every_panel_of_the_wall_answers_on_the_demos_database(database: Connection) -> None:
    dashboard = json.loads((ROOT / "grafana/dashboards/wall.json").read_text("utf-8"))
    queries = panel_queries(dashboard)
    assert len(queries) >= 10
    with database.transaction():
        database.execute("SET LOCAL ROLE kel_reader")
        for title, sql in queries:
            rows = database.execute(sql.encode()).fetchall()
            assert isinstance(rows, list), title


def test_the_mayors_page_is_one_greek_page(result: dict[str, Any]) -> None:
    pdf = PdfReader(result["report_pdf"])
    assert len(pdf.pages) == 1
    text = pdf.pages[0].extract_text()
    assert "Θραύση" in text
    assert "18 Οκτωβρίου 2026" in text
    assert "Εβδομάδα 42" in Path(result["report_html"]).read_text("utf-8")
