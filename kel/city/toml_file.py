"""TOML files: the values by tomllib, the line of every key by tree-sitter."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

from kel.city.text_file import failure, read_text
from kel.model.mistake import Document, MistakesError
from kel.model.mistake import Path as Keys

_LANGUAGE = Language(tree_sitter_toml.language())
_AT_LINE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")


def read_document(path: Path) -> Document:
    """The file's values, with the line of each of its keys, tables and array elements.

    Raises `MistakesError` (missing file, encoding, syntax) with the line of the failure.
    """
    text = read_text(path)
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise _syntax(path, text, str(error)) from None
    return Document(path.as_posix(), data, _lines(text.encode()))


def _syntax(path: Path, text: str, message: str) -> MistakesError:
    found = _AT_LINE.search(message)
    end = text.rstrip("\n").count("\n") + 1 if found else 0
    line = int(found[1]) if found and found[1] else end
    return failure(path, line, "syntax", f"not TOML: {_AT_LINE.sub('', message)}")


def _lines(source: bytes) -> dict[Keys, int]:
    lines: dict[Keys, int] = {}
    elements: dict[Keys, int] = {}  # how many tables each array of tables has so far
    root = Parser(_LANGUAGE).parse(source).root_node
    if (
        root.has_error
    ):  # tomllib took what the grammar does not know: no line is better than a wrong
        return {}
    for node in root.named_children:
        if node.type == "pair":
            _pair(node, (), lines)
        elif node.type in ("table", "table_array_element"):
            path = _table_path(node, elements)
            _mark(lines, path, node)
            for child in node.named_children[1:]:
                if child.type == "pair":
                    _pair(child, path, lines)
    return lines


def _table_path(node: Node, elements: dict[Keys, int]) -> Keys:
    """Where a `[table]` or `[[table]]` header stands: each array on the way means its last."""
    *outer, last = _keys(node.named_children[0])
    path: Keys = ()
    for key in outer:
        path = (*path, key)
        if path in elements:
            path = (*path, elements[path] - 1)
    path = (*path, last)
    if node.type == "table":
        return path
    elements[path] = elements.get(path, 0) + 1
    return (*path, elements[path] - 1)


def _pair(node: Node, around: Keys, lines: dict[Keys, int]) -> None:
    key, value = (c for c in node.named_children if c.type != "comment")
    path = (*around, *_keys(key))
    _mark(lines, path, node)
    _value(value, path, lines)


def _value(node: Node, path: Keys, lines: dict[Keys, int]) -> None:
    inside = [c for c in node.named_children if c.type != "comment"]
    if node.type == "inline_table":
        for pair in inside:
            _pair(pair, path, lines)
    elif node.type == "array":
        for i, element in enumerate(inside):
            _mark(lines, (*path, i), element)
            _value(element, (*path, i), lines)


def _mark(lines: dict[Keys, int], path: Keys, node: Node) -> None:
    """The line of `path`; what lies around it and was never written itself starts there too."""
    line = node.start_point[0] + 1
    lines[path] = line
    for end in range(1, len(path)):
        lines.setdefault(path[:end], line)


def _keys(node: Node) -> tuple[str, ...]:
    """The parts of a key as tomllib reads them: bare, quoted or dotted."""
    text = (node.text or b"").decode()
    if node.type == "bare_key":
        return (text,)
    return tuple(_spine(tomllib.loads(f"{text} = 0")))


def _spine(table: dict[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        yield key
        if isinstance(value, dict):
            yield from _spine(value)
