"""Rows written into device files: the rest of a file stays as it stands, to the byte."""

from pathlib import Path
from threading import Event, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kel.city.writing import (
    FrozenFolderError,
    Sheet,
    alone,
    put_rows,
    read_sheets,
    write_sheets,
)
from kel.model.mistake import Mistake, MistakesError

HEAD = "# who they are\nid,name,lat\n"

CHANGES = [
    pytest.param(
        HEAD + "a,Άλφα,38.10\n",
        {"id": "b", "name": "Βήτα"},
        HEAD + "a,Άλφα,38.10\nb,Βήτα,\n",
        id="a new one comes last",
    ),
    pytest.param(
        HEAD + "a,Άλφα,38.10",
        {"id": "b", "name": "Β"},
        HEAD + "a,Άλφα,38.10\nb,Β,\n",
        id="a last line without an end gets one",
    ),
    pytest.param(
        HEAD + 'a,"Άλφα, 1", 38.10 \n\n# more\nb,Βήτα,2\n',
        {"id": "b", "lat": "3"},
        HEAD + 'a,"Άλφα, 1", 38.10 \n\n# more\nb,Βήτα,3\n',
        id="only its row changes",
    ),
    pytest.param(
        HEAD + "a,Άλφα,38.10\n",
        {"id": "a", "lat": "38.1"},
        HEAD + "a,Άλφα,38.10\n",
        id="the same number stays as it was written",
    ),
    pytest.param(
        "id,address\na,0010\n",
        {"id": "a", "address": "10"},
        "id,address\na,10\n",
        id="an address is no number",
    ),
    pytest.param(
        HEAD + "a,Άλφα,1\nb,Βήτα,2",
        {"id": "b", "state": "retired"},
        "# who they are\nid,name,lat,state\na,Άλφα,1,\nb,Βήτα,2,retired\n",
        id="a column is added where a value needs it",
    ),
    pytest.param(
        HEAD + "a,Άλφα,1\n",
        {"id": "a", "state": ""},
        HEAD + "a,Άλφα,1\n",
        id="and not where none does",
    ),
    pytest.param(
        "id,name\r\na,Άλφα\r\n",
        {"id": "b", "name": "Β"},
        "id,name\r\na,Άλφα\r\nb,Β\r\n",
        id="lines end as they do in the file",
    ),
    pytest.param(
        'id,name\na,"Άλ\nφα"\nb,Β\n',
        {"id": "b", "name": "Γ"},
        'id,name\na,"Άλ\nφα"\nb,Γ\n',
        id="a cell of two lines",
    ),
    pytest.param(
        "id,name\n",
        {"id": "a", "name": 'x,"y'},
        'id,name\na,"x,""y"\n',
        id="what has to be quoted is",
    ),
    pytest.param("", {"id": "a", "name": "x"}, "id,name\na,x\n", id="an empty file gets a header"),
]


@pytest.mark.parametrize(("text", "row", "wanted"), CHANGES)
def test_a_row_is_put_and_the_rest_stays(text: str, row: dict[str, str], wanted: str) -> None:
    once = Sheet.of(text).put([row])
    assert once.text == wanted
    assert once.put([row]).text == wanted
    assert Sheet.of(wanted).put([row]).text == wanted


cell = st.text(st.characters(exclude_categories=["C"], exclude_characters="#"), max_size=6)


@given(
    st.lists(st.lists(cell, min_size=2, max_size=2), max_size=6), st.sampled_from(["\n", "\r\n"])
)
def test_a_file_is_its_pieces(rows: list[list[str]], end: str) -> None:
    quoted = [",".join('"' + c.replace('"', '""') + '"' for c in row) for row in rows]
    text = end.join(["# a comment", "", "id,name", *quoted])
    sheet = Sheet.of(text)
    assert sheet.text == text
    lines = text.split(end)
    for line, row in sheet.rows():
        assert all(value in lines[line - 1].replace('""', '"') for value in row.values())


def test_a_cell_is_one_line() -> None:
    with pytest.raises(ValueError, match="name: a cell is one line"):
        put_rows({}, "fire", [{"id": "a", "name": "x\ny"}])


def test_a_class_without_a_file_gets_one(tmp_path: Path) -> None:
    sheets = put_rows(read_sheets(tmp_path), "bin", [{"id": "b-1", "litres": "80"}], ["litres"])
    assert write_sheets(tmp_path, sheets, lambda _: []) == [tmp_path / "devices/bin.csv"]
    text = (tmp_path / "devices/bin.csv").read_text()
    assert text == "id,name,community,lat,lon,source,litres\nb-1,,,,,,80\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "city/devices").mkdir(parents=True)
    (tmp_path / "city/devices/fire.csv").write_text(HEAD + "a,Άλφα,1\n", "utf-8")
    return tmp_path / "city"


def test_what_would_be_a_mistake_is_not_written_and_told_where_it_would_stand(
    folder: Path,
) -> None:
    def check(copy: Path) -> list[Mistake]:
        file = copy / "devices/fire.csv"
        assert "b,Β," in file.read_text("utf-8")
        return [Mistake(file.as_posix(), 4, "lat", "is missing")]

    before = (folder / "devices/fire.csv").read_bytes()
    sheets = put_rows(read_sheets(folder), "fire", [{"id": "b", "name": "Β"}])
    with pytest.raises(MistakesError) as told:
        write_sheets(folder, sheets, check)
    assert str(told.value) == f"{folder}/devices/fire.csv:4: lat: is missing"
    assert (folder / "devices/fire.csv").read_bytes() == before
    assert len(list(folder.rglob("*"))) == 2


def test_a_frozen_folder_says_what_to_write(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sheets = put_rows(read_sheets(folder), "fire", [{"id": "b", "name": "Β", "state": "retired"}])

    def frozen(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("kel.city.writing.os.fsync", frozen)
    with pytest.raises(FrozenFolderError) as told:
        write_sheets(folder, sheets, lambda _: [])
    assert "id,name,lat,state\na,Άλφα,1,\nb,Β,,retired" in str(told.value)
    assert len(list(folder.rglob("*"))) == 2


def test_a_byte_order_mark_and_the_mode_stay(folder: Path) -> None:
    file = folder / "devices/fire.csv"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    file.chmod(0o640)
    write_sheets(folder, put_rows(read_sheets(folder), "fire", [{"id": "b"}]), lambda _: [])
    assert file.read_bytes().startswith(b"\xef\xbb\xbf#")
    assert file.read_bytes().count(b"\xef\xbb\xbf") == 1
    assert file.stat().st_mode & 0o777 == 0o640


def test_what_does_not_change_is_not_checked_nor_written(folder: Path) -> None:
    def check(_: Path) -> list[Mistake]:
        raise AssertionError

    sheets = put_rows(read_sheets(folder), "fire", [{"id": "a", "lat": "1.0"}])
    assert write_sheets(folder, sheets, check) == []


def test_one_writer_at_a_time(folder: Path) -> None:
    entered = Event()

    def second() -> None:
        with alone(folder):
            entered.set()

    with alone(folder):
        thread = Thread(target=second)
        thread.start()
        assert not entered.wait(0.2)
    assert entered.wait(10)
    thread.join()


def test_a_file_that_is_no_csv_is_told_as_a_mistake(folder: Path) -> None:
    (folder / "devices/fire.csv").write_text('id,name\na,"x" y\n')
    with pytest.raises(MistakesError, match=r"fire\.csv:0: syntax: not CSV"):
        read_sheets(folder)
