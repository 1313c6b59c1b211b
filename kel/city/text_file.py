"""Text of a file, or the mistake that keeps it from being read."""

from pathlib import Path

from kel.model.mistake import Mistake, MistakesError


def read_text(path: Path) -> str:
    """The file's text (UTF-8, with or without a byte order mark).

    Raises `MistakesError` with one mistake where there is no such file, it cannot be read, or a
    byte is not UTF-8 (with that byte's line).
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise failure(path, 0, "file", "there is no such file") from None
    except OSError as error:
        raise failure(path, 0, "file", f"cannot be read: {error.strerror}") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        what = f"byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise failure(path, line, "encoding", what) from None


def failure(path: Path, line: int, field: str, what: str) -> MistakesError:
    """The one mistake of a file that cannot be understood at all.

    Where no field is to blame, `field` says what is: file, encoding, syntax, header.
    """
    return MistakesError([Mistake(path.as_posix(), line, field, what)])
