"""Provisioning by file and by API say the same."""

from pathlib import Path

import yaml

from grafana.panel import DATASOURCE
from grafana.push import FOLDER_TITLE, FOLDER_UID, Source

FOLDER = Path(__file__).resolve().parents[3] / "grafana/provisioning"


def _read(name):
    return yaml.safe_load((FOLDER / name).read_text("utf-8"))


def test_the_data_source_is_the_panels_and_read_only():
    (source,) = _read("datasources/kel.yaml")["datasources"]
    assert {"type": source["type"], "uid": source["uid"]} == DATASOURCE
    assert source["user"] == "kel_reader"
    assert source["jsonData"]["timescaledb"] is True
    assert source["secureJsonData"] == {"password": "$KEL_READER_PASSWORD"}
    assert source["editable"] is False


def test_file_and_api_make_the_same_data_source():
    (source,) = _read("datasources/kel.yaml")["datasources"]
    pushed = Source("postgresql://kel@timescaledb:5432/kel", "x", "disable").payload()
    only_in_file = {"editable"}
    assert {k: v for k, v in source.items() if k not in only_in_file} == pushed | {
        "secureJsonData": source["secureJsonData"]
    }


def test_dashboards_go_into_one_folder_and_are_not_edited_in_the_browser():
    (provider,) = _read("dashboards/kel.yaml")["providers"]
    assert (provider["folder"], provider["folderUid"]) == (FOLDER_TITLE, FOLDER_UID)
    assert provider["allowUiUpdates"] is False
