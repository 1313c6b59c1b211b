"""setup/newer_source.py: another suite's source packages from this machine's own apt entry."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
spec = importlib.util.spec_from_file_location("newer_source", ROOT / "setup/newer_source.py")
assert spec and spec.loader
newer_source = importlib.util.module_from_spec(spec)
spec.loader.exec_module(newer_source)

URI = "http://mirror.example/debian/"
STANZAS = """\
# the mirror next door
Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Types: deb deb-src
# a remark
URIs: http://mirror.example/debian
Suites: bookworm
 bookworm-updates
Components: main contrib
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBGPL0BUBEADmW5NdOOHwPIJlgPu6JDcKw/NZJPR8lsD3K87ZM18gzyQZJD+w
"""


def test_the_entry_is_the_one_that_brings_debian() -> None:
    targets = (
        "/etc/apt/sources.list.d/other.list:1|http://other.example/|bookworm|bookworm|Other|main\n"
        "/etc/apt/sources.list.d/debian.sources:2|http://m/|oldstable|bookworm|Debian|main\n"
    )
    path = Path("/etc/apt/sources.list.d/debian.sources")
    assert newer_source.own_entry(targets, "bookworm") == (path, "http://m/", "oldstable")
    with pytest.raises(SystemExit, match="no apt source brings Debian trixie"):
        newer_source.own_entry(targets, "trixie")


def test_a_stanza_keeps_its_key_and_loses_its_binaries() -> None:
    entry = newer_source.from_stanzas(STANZAS, URI, "bookworm", "trixie")
    assert entry is not None
    head, _, key = entry.partition("Signed-By:")
    assert head.splitlines() == [
        "Types: deb-src",
        f"Uris: {URI}",
        "Suites: trixie",
        "Components: main",
    ]
    assert key.splitlines()[1:] == STANZAS.splitlines()[-3:]


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("deb http://mirror.example/debian bookworm main", ""),
        ("deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian/ bookworm main", "/k.gpg"),
        ("deb [ signed-by=/k.gpg ]  http://mirror.example/debian  bookworm main # us", "/k.gpg"),
    ],
)
def test_a_line_becomes_a_stanza(line: str, key: str) -> None:
    before = (
        "# deb http://mirror.example/debian bookworm main\n"
        "deb http://mirror.example/debian-security bookworm-security main\n"
    )
    entry = newer_source.from_lines(before + line + "\n", URI, "bookworm", "trixie")
    expected = f"Types: deb-src\nUris: {URI}\nSuites: trixie\nComponents: main\n"
    assert entry == expected + (f"Signed-By: {key}\n" if key else "")


def test_another_suite_is_not_taken() -> None:
    assert newer_source.from_stanzas(STANZAS, URI, "forky", "trixie") is None
    assert newer_source.from_lines(f"deb {URI} bookworm main\n", URI, "forky", "trixie") is None
