"""TOML: values as tomllib reads them, and the line of every key, however it is written."""

import tomllib
from pathlib import Path

import pytest

from kel.city import read_document
from kel.model.mistake import MistakesError

TEXT = """\
# a comment
title = "rules"
dotted.key = 1

[table]
"quoted key" = 2
inline = { a = 1, b = { c = 2 } }

[[rule]]
id = "first"
list = [
  1, # one
  { x = 1 },
  2,
]

  [[rule.step]]
  do = "this"

  [[rule.step]]
  do = "that"

  [rule.more]
  deep = true

[[rule]]
id = "second"
season = { 5 = 1.3, 6 = 1.6 }

[[rule.step]]
do = "other"
"""

LINES = [
    (("title",), 2),
    (("dotted",), 3),
    (("dotted", "key"), 3),
    (("table",), 5),
    (("table", "quoted key"), 6),
    (("table", "inline", "b", "c"), 7),
    (("rule",), 9),
    (("rule", 0), 9),
    (("rule", 0, "id"), 10),
    (("rule", 0, "list", 0), 12),
    (("rule", 0, "list", 1, "x"), 13),
    (("rule", 0, "list", 2), 14),
    (("rule", 0, "step", 0, "do"), 18),
    (("rule", 0, "step", 1), 20),
    (("rule", 0, "step", 1, "do"), 21),
    (("rule", 0, "more", "deep"), 24),
    (("rule", 1, "id"), 27),
    (("rule", 1, "season", "6"), 28),
    (("rule", 1, "step", 0, "do"), 31),
]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_key_has_its_line(tmp_path: Path, newline: str) -> None:
    file = tmp_path / "rules.toml"
    file.write_bytes(TEXT.replace("\n", newline).encode())
    document = read_document(file)
    assert document.data == tomllib.loads(TEXT)
    assert [(path, document.lines.get(path)) for path, _ in LINES] == LINES


def test_what_is_not_written_has_the_line_around_it(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(TEXT)
    document = read_document(file)
    mistake = document.mistake(("rule", 1, "watch", "metric"), "is missing")
    assert str(mistake) == f"{file.as_posix()}:26: rule.second.watch.metric: is missing"


@pytest.mark.parametrize(
    ("content", "line", "field"),
    [
        (b"a = 1\nb = \n", 2, "syntax"),
        (b"a = 1\n\nb = [1,\n", 3, "syntax"),
        (b"a = 1\na = 2\n", 2, "syntax"),
        (b"a = 1\nb = '\xce'\n", 2, "encoding"),
        (b"a = " + b"[" * 5000, 0, "syntax"),
    ],
)
def test_a_broken_file_is_one_mistake(
    tmp_path: Path, content: bytes, line: int, field: str
) -> None:
    file = tmp_path / "broken.toml"
    file.write_bytes(content)
    with pytest.raises(MistakesError) as caught:
        read_document(file)
    assert [(m.file, m.line, m.field) for m in caught.value.mistakes] == [
        (file.as_posix(), line, field)
    ]


def test_a_missing_file_is_one_mistake(tmp_path: Path) -> None:
    with pytest.raises(MistakesError, match="there is no such file"):
        read_document(tmp_path / "none.toml")
