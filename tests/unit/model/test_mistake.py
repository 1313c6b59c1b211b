"""What is wrong in a city's files is told so that people find it, and guess nothing wrong."""

import pytest

from kel.model.mistake import Document, nearest

DATA = {"rule": [{"id": "low", "of": {"any": ["x", {"id": "y"}]}}, {"id": "A b"}, {}, 5]}


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (("rule", 0, "above"), "rule.low.above"),
        (("rule", 0, "of", "any", 0), "rule.low.of.any.0"),
        (("rule", 0, "of", "any", 1), "rule.low.of.any.y"),
        (("rule", 1, "id"), "rule.1.id"),  # no id as ids are written
        (("rule", 2), "rule.2"),
        (("rule", 3, "id"), "rule.3.id"),
        (("rule", 9, "x"), "rule.9.x"),
        (("rules",), "rules"),
    ],
)
def test_an_entry_is_named_by_its_id_where_it_has_one(
    path: tuple[str | int, ...], told: str
) -> None:
    mistake = Document("rules.toml", DATA).mistake(path, "no")
    assert str(mistake) == f"rules.toml:0: {told}: no"
    assert mistake.field == ".".join(map(str, path))


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("nihgt", ["night", "day"], "night"),
        ("fro", ["for", "above"], "for"),  # letters that changed places
        ("lo", ["low", "high"], "low"),
        ("water", ["other", "camera"], None),
        ("z99", ["z18", "z19"], None),
        ("x", [], None),
    ],
)
def test_only_what_is_close_is_what_may_have_been_meant(
    name: str, known: list[str], meant: str | None
) -> None:
    assert nearest(name, known) == meant
