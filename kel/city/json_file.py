"""JSON files (GeoJSON): values by the standard library, and the line where each begins."""

import json
import re
from itertools import count
from pathlib import Path

from kel.city.text_file import failure, read_text
from kel.model.mistake import Document
from kel.model.mistake import Path as Keys

_SPACE = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_PLAIN = re.compile(r"[^\s,\]}]+")  # a number, true, false or null


def read_json(path: Path) -> Document:
    """The file's object, with the line of each of its keys and array elements.

    Raises `MistakesError` (missing file, encoding, syntax, a repeated key) with the line. NaN and
    infinities, which are no JSON, come through as floats: no field of a city takes one.
    """
    text = read_text(path)
    try:
        data = json.loads(text)
        lines = _Lines(text)
    except json.JSONDecodeError as error:
        raise failure(path, error.lineno, "syntax", f"not JSON: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise failure(path, 0, "syntax", f"not JSON: {error}") from None
    if lines.repeated:
        key = lines.repeated[0]
        field = ".".join(map(str, key))
        raise failure(path, lines.found[key], field, "stands twice in one object")
    if not isinstance(data, dict):
        raise failure(path, 1, "syntax", "the file holds no JSON object")
    return Document(path.as_posix(), data, lines.found)


class _Lines:
    """A walk over JSON that is known to be valid, noting the line of every value."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.seen = 0  # up to where newlines are counted
        self.line = 1
        self.found: dict[Keys, int] = {}
        self.repeated: list[Keys] = []
        self._value(())

    def _value(self, path: Keys) -> None:
        char = self._peek()
        self.found.setdefault(path, self._here())
        if char == "{":
            self._many(path, "}")
        elif char == "[":
            self._many(path, "]")
        else:
            self._take(_STRING if char == '"' else _PLAIN)

    def _many(self, path: Keys, end: str) -> None:
        self.at += 1
        for i in count():
            if self._peek() == end:
                break
            if end == "]":
                self._value((*path, i))
            else:
                line = self._here()
                key = (*path, self._string())
                if key in self.found:
                    self.repeated.append(key)
                self.found[key] = line
                self._skip(":")
                self._value(key)
            self._skip(",")
        self.at += 1

    def _string(self) -> str:
        return str(json.loads(self._take(_STRING)))

    def _take(self, form: re.Pattern[str]) -> str:
        found = form.match(self.text, self.at)
        assert found is not None, "valid JSON has such a token here"
        self.at = found.end()
        return found[0]

    def _peek(self) -> str:
        self._take(_SPACE)
        return self.text[self.at]

    def _skip(self, char: str) -> None:
        if self._peek() == char:
            self.at += 1

    def _here(self) -> int:
        self.line += self.text.count("\n", self.seen, self.at)
        self.seen = self.at
        return self.line
