"""The wall as a dashboard: its file, its model, its place on the screen, its letters."""

import json
import subprocess
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from fontTools.ttLib import TTFont
from jsonschema import Draft202012Validator

from grafana.build import FOLDER, dashboards, main, text_of
from grafana.look import SEVERITY_COLOUR, SEVERITY_WORD
from grafana.panel import DATASOURCE
from grafana.queries import panel_queries, queries
from grafana.wall import ROWS, wall
from kel.model.alert import Severity

SCHEMA = json.loads((Path(__file__).parent / "classic.schema.json").read_text("utf-8"))

CELL, GAP, COLUMNS = 30, 8, 24  # px a row, px between, columns: Grafana's grid
SCREEN = (1920, 1080)
MARGINS = 48  # px around the grid, header and controls being hidden

PANELS = wall()["panels"]
TITLES = [p["title"] for p in PANELS]


def test_the_files_are_what_the_builder_makes():
    made = {name: text_of(dashboard) for name, dashboard in dashboards().items()}
    kept = {f.name: f.read_text("utf-8") for f in FOLDER.glob("*.json")}
    assert kept == made, "run python -m grafana.build"


def test_building_writes_every_dashboard(tmp_path, monkeypatch):
    monkeypatch.setattr("grafana.build.FOLDER", tmp_path)
    main()
    assert json.loads((tmp_path / "wall.json").read_text("utf-8")) == wall()


def test_the_wall_is_a_classic_dashboard():
    Draft202012Validator.check_schema(SCHEMA)
    found = sorted(Draft202012Validator(SCHEMA).iter_errors(wall()), key=lambda e: e.json_path)
    assert [f"{e.json_path}: {e.message}" for e in found] == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("panels", 0, "gridPos", "x"), 24),
        (("panels", 0, "targets", 0, "rawSql"), ""),
        (("panels", 0, "datasource", "uid"), "other"),
        (("panels", 0, "options", "colourMode"), "value"),
        (("panels", 0, "fieldConfig", "defaults", "thresholds"), {"steps": []}),
        (("schemaVersion",), "41"),
    ],
)
def test_the_schema_refuses_what_grafana_would_not_understand(path, value):
    broken = json.loads(json.dumps(wall()))
    place = broken
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert not Draft202012Validator(SCHEMA).is_valid(broken)


def test_ids_are_distinct_and_stay_as_they_were():
    known = {
        1: "severities",
        2: "unacknowledged",
        3: "crews_out",
        4: "water_lost",
        5: "cost_today",
        6: "clock",
        7: "incidents",
        8: "map",
        9: "crews",
        10: "pumps",
        11: "zones",
        12: "nights",
        13: "lamps",
        14: "alerts",
        15: "health",
        16: "kel_health",
    }
    first = {p["id"]: p["targets"][0]["rawSql"] for p in PANELS}
    assert len(first) == len(PANELS)
    assert first == {number: queries()[name] for number, name in known.items()}


def test_panels_do_not_overlap():
    def cells(panel):
        at = panel["gridPos"]
        return {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }

    for one, other in combinations(PANELS, 2):
        assert not cells(one) & cells(other), (one["title"], other["title"])


def test_everything_fits_a_full_hd_screen_without_a_gap():
    covered = sum(p["gridPos"]["w"] * p["gridPos"]["h"] for p in PANELS)
    assert covered == COLUMNS * ROWS
    assert max(p["gridPos"]["x"] + p["gridPos"]["w"] for p in PANELS) == COLUMNS
    rows = max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in PANELS)
    assert rows == ROWS
    assert rows * (CELL + GAP) - GAP + MARGINS <= SCREEN[1]


@pytest.mark.parametrize("panel", PANELS, ids=TITLES)
def test_a_panel_speaks_greek_and_explains_itself(panel):
    for text in (panel["title"], panel["description"]):
        assert any("α" <= letter.lower() <= "ώ" for letter in text)
    assert len(panel["description"]) > len(panel["title"])
    assert panel["datasource"] == DATASOURCE
    assert all(t["datasource"] == DATASOURCE for t in panel["targets"])


def test_titles_are_distinct():
    assert len(set(TITLES)) == len(TITLES)


@pytest.mark.parametrize("panel", PANELS, ids=TITLES)
def test_letters_have_a_size_of_their_own_and_it_can_be_read(panel):
    """No panel leaves its letters to Grafana, whose tables are 14 px; no table stands here."""
    if panel["type"] == "geomap":
        sizes = [layer["config"]["style"]["textConfig"]["fontSize"] for layer in _layers(panel)]
    else:
        text = panel["options"]["text"]
        sizes = [text["valueSize"], text.get("titleSize", 14)]
        assert text["valueSize"] >= 16
    assert min(sizes) >= 14


def test_numbers_of_the_first_row_are_the_largest():
    sizes = {p["id"]: p["options"]["text"]["valueSize"] for p in PANELS if "text" in p["options"]}
    assert min(sizes[n] for n in (1, 2, 3)) >= 64
    assert max(sizes[n] for n in sizes if n > 6) <= 64


ROW_OF_LIST = {  # panel → (rows at the most, lines a row, the longest text as it may well be)
    7: (
        10,
        1,
        "2026-0412 · 3 ώ 05′ · Θραύση κεντρικού αγωγού — ζώνη Δροσιά – Κέντρο · "
        "Ύδρευση 1 επί τόπου",
    ),
    9: (6, 2, "Πράσινο και πολιτικ… · 2026-0412 · έως 16:30"),
    16: (3, 2, "MQTT: χάθηκαν 1.234.567 μηνύματα"),
}


@pytest.mark.parametrize("number", ROW_OF_LIST)
def test_a_list_s_rows_have_room_for_their_letters(number):
    """DejaVu Sans stands for Grafana's Inter, which is narrower."""
    rows, lines, longest = ROW_OF_LIST[number]
    at, options = _panel(number)["gridPos"], _panel(number)["options"]
    sizes = options["text"]
    height = at["h"] * (CELL + GAP) - GAP - 40  # less the panel's title
    assert lines == (1 if options["wideLayout"] else 2)
    assert height / rows >= 1.3 * sum([sizes["titleSize"], sizes["valueSize"]][:lines])
    width = at["w"] * (SCREEN[0] - 16) / COLUMNS - GAP - 36  # less the panel's and row's edges
    if options["wideLayout"]:
        width -= _width("ΥΠΟ ΕΛΕΓΧΟ", sizes["valueSize"]) + 16
    assert _width(longest, sizes["titleSize"]) <= width


LONGEST_TITLE = {  # panel → the longest title of a bar, or of a number that is `title` wide
    11: "Άγιος Στέφανος – Ανατολή · 120 m³/h",
    12: "Άγιος Στέφανος – Ανατολή · συνήθως 12",
    13: "Γραμμές εκτός",
    15: "Εντολές προς αποστολή",
}


@pytest.mark.parametrize("number", LONGEST_TITLE)
def test_titles_of_bars_and_numbers_have_room(number):
    panel = _panel(number)
    width = panel["gridPos"]["w"] * (SCREEN[0] - 16) / COLUMNS - GAP - 36
    size = panel["options"]["text"]["titleSize"]
    assert _width(LONGEST_TITLE[number], size) <= width


def test_a_pump_s_tile_has_room_for_name_and_head():
    panel = _panel(10)
    width = (panel["gridPos"]["w"] * (SCREEN[0] - 16) / COLUMNS - GAP - 16) / 4 - 12
    assert _width("Α/Σ 12 85m", panel["options"]["text"]["titleSize"]) <= width
    assert _width("100%", panel["options"]["text"]["valueSize"]) <= width


def _width(text, size):
    """Pixels of ink: what the letters advance, less the air before the first and after the last."""
    font, letters, units = _font()
    names = [letters[ord(letter)] for letter in text]
    advance = sum(font["hmtx"][name][0] for name in names)
    before = font["hmtx"][names[0]][1]
    last, bearing = font["hmtx"][names[-1]]
    drawn = font["glyf"][names[-1]]
    after = last - bearing - (drawn.xMax - drawn.xMin)
    return (advance - before - after) * size / units


@cache
def _font() -> tuple[Any, Any, int]:
    """DejaVu Sans, its glyph by letter, and the units of one em."""
    found = subprocess.run(
        ["fc-match", "-f", "%{file}", "DejaVu Sans"], capture_output=True, text=True, check=True
    )
    font = TTFont(found.stdout)
    return font, font.getBestCmap(), font["head"].unitsPerEm


def test_thresholds_rise():
    def steps(thing):
        if isinstance(thing, dict):
            if "steps" in thing:
                yield [s["value"] for s in thing["steps"]]
            for value in thing.values():
                yield from steps(value)
        elif isinstance(thing, list):
            for value in thing:
                yield from steps(value)

    found = list(steps(PANELS))
    assert found
    for lowest, *above in found:
        assert lowest is None
        assert above == sorted(above)


def test_a_severity_has_one_colour_and_one_word_everywhere():
    assert set(SEVERITY_COLOUR) == set(SEVERITY_WORD) == set(Severity)
    listed = _panel(7)["fieldConfig"]["defaults"]["mappings"][0]["options"]
    for severity in Severity:
        shown = listed[str(int(severity))]
        assert (shown["text"], shown["color"]) == (
            SEVERITY_WORD[severity],
            SEVERITY_COLOUR[severity],
        )
    on_map = {
        s["value"]: s["color"] for s in _panel(8)["fieldConfig"]["defaults"]["thresholds"]["steps"]
    }
    for severity in list(Severity)[1:]:
        assert on_map[int(severity)] == SEVERITY_COLOUR[severity]


def test_overrides_name_columns_that_their_query_has():
    for panel in PANELS:
        for override in panel["fieldConfig"]["overrides"]:
            assert f'"{override["matcher"]["options"]}"' in panel["targets"][0]["rawSql"]


def test_the_map_s_layers_name_queries_and_columns_that_are_there():
    panel = _panel(8)
    sql = {t["refId"]: t["rawSql"] for t in panel["targets"]}
    for layer in _layers(panel):
        asked = sql[layer["filterData"]["options"]]
        style = layer["config"]["style"]
        fields = [layer["location"]["latitude"], layer["location"]["longitude"]]
        fields += [style["text"]["field"]]
        fields += [style[k]["field"] for k in ("color", "size") if "field" in style[k]]
        assert all(field in asked for field in fields)


@pytest.mark.parametrize(("title", "sql"), panel_queries(wall()), ids=lambda v: v[:30])
def test_a_query_asks_for_the_data_s_time_and_nothing_personal(title, sql):
    for macro in ("$", "[[", "now()"):  # Grafana's macros and variables, the real clock
        assert macro not in sql.replace("kel_now()", ""), title
    for table in ("contact", "command", "request", "reply", "outbox", " reject "):
        assert table not in sql, title


def _panel(number):
    return next(p for p in PANELS if p["id"] == number)


def _layers(panel):
    return panel["options"]["layers"]
