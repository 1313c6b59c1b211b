"""CSV: comments, blank lines and quoted cells keep the lines right."""

from pathlib import Path

import pytest

from kel.city.csv_file import read_table
from kel.model.mistake import MistakesError


def write(tmp_path: Path, content: str, encoding: str = "utf-8") -> Path:
    file = tmp_path / "table.csv"
    file.write_bytes(content.encode(encoding))
    return file


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_rows_and_their_lines(tmp_path: Path, newline: str, encoding: str) -> None:
    text = '# who\nid, name\n\na,"Πρώτο, μικρό"\n# "not a cell\nb, \n"c\n2",τρία\nd,4\n'
    document, mistakes = read_table(write(tmp_path, text.replace("\n", newline), encoding))
    assert mistakes == []
    assert document.data["columns"] == ["id", "name"]
    assert document.data["rows"] == [
        {"id": "a", "name": "Πρώτο, μικρό"},
        {"id": "b"},
        {"id": f"c{newline}2", "name": "τρία"},
        {"id": "d", "name": "4"},
    ]
    assert document.lines == {(): 2, (0,): 4, (1,): 6, (2,): 7, (3,): 9}


def test_a_row_of_another_length_is_told_and_left_out(tmp_path: Path) -> None:
    document, mistakes = read_table(write(tmp_path, "a,b\n1\n1,2\n1,2,3\n"))
    assert document.data["rows"] == [{"a": "1", "b": "2"}]
    assert [(m.line, m.field, m.what) for m in mistakes] == [
        (2, "row", "the row has 1 cells, the header 2 columns"),
        (4, "row", "the row has 3 cells, the header 2 columns"),
    ]


@pytest.mark.parametrize(
    ("content", "line", "field"),
    [
        ("", 1, "header"),
        ("# only a comment\n", 1, "header"),
        ("a;b\n1;2\n", 1, "header"),
        ("# c\na,,b\n1,2,3\n", 2, "header"),
        ("a,b,a\n1,2,3\n", 1, "header"),
        ('a,b\n1,2\n3,"4\n5,6\n', 3, "syntax"),
        ('a,b\n1,"2"3\n', 2, "syntax"),
    ],
)
def test_a_broken_file_is_one_mistake(tmp_path: Path, content: str, line: int, field: str) -> None:
    with pytest.raises(MistakesError) as caught:
        read_table(write(tmp_path, content))
    assert [(m.line, m.field) for m in caught.value.mistakes] == [(line, field)]
