"""JSON: the line of every value, and no surprise of the standard library's."""

import json
from pathlib import Path

import pytest

from kel.city.json_file import read_json
from kel.model.mistake import MistakesError

TEXT = """\
{
  "type": "FeatureCollection", "note": "a \\"quoted\\" \\u03b1, ] }",
  "features": [
    {"id": "a", "at": [23.1,
      38.2e0]},

    {"id": null, "empty": {}, "none": [ ],
     "on": true}
  ]
}
"""

LINES = [
    ((), 1),
    (("type",), 2),
    (("note",), 2),
    (("features",), 3),
    (("features", 0), 4),
    (("features", 0, "at", 0), 4),
    (("features", 0, "at", 1), 5),
    (("features", 1), 7),
    (("features", 1, "empty"), 7),
    (("features", 1, "on"), 8),
]


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "zones.geojson"
    file.write_text(text)
    return file


def test_every_value_has_its_line(tmp_path: Path) -> None:
    document = read_json(write(tmp_path, TEXT))
    assert document.data == json.loads(TEXT)
    assert [(path, document.lines.get(path)) for path, _ in LINES] == LINES


@pytest.mark.parametrize(
    ("text", "line", "field"),
    [
        ('{\n"a": 1,\n"b" 2}', 3, "syntax"),
        ("", 1, "syntax"),
        ("[1, 2]", 1, "syntax"),
        ('{"a": {"b": 1,\n"b": 2}}', 2, "a.b"),
        ('{"a": ' + "[" * 400_000, 0, "syntax"),
        ('{"a": ' + "[" * 600 + "]" * 600 + "}", 0, "syntax"),
        ('{"a": ' + "9" * 5000 + "}", 0, "syntax"),
    ],
)
def test_a_broken_file_is_one_mistake(tmp_path: Path, text: str, line: int, field: str) -> None:
    with pytest.raises(MistakesError) as caught:
        read_json(write(tmp_path, text))
    assert [(m.line, m.field) for m in caught.value.mistakes] == [(line, field)]
