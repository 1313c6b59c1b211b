"""The last demo's database, kept when the demo has ended, so that it can be asked afterwards.

`kel trace`, `kel incidents list` and the like use the database of the settings where there is one,
else the one of a demo that runs now, else they start PostgreSQL on what the last demo left.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from kel.settings import Settings
from kel.stack.child import PartError
from kel.stack.folder import ROOT
from kel.stack.postgres import Postgres
from kel.stack.stack import Stack

_NAME = hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]
KEPT = Path("/var/tmp") / f"kel-last-{os.geteuid()}-{_NAME}"  # noqa: S108 - mode 0711, own files


def keep(stack: Stack) -> None:
    """Keep the ended stack's database; the one of an earlier demo goes."""
    shutil.rmtree(KEPT, ignore_errors=True)
    KEPT.mkdir(mode=0o711)
    shutil.move(stack.folder / "postgres", KEPT / "postgres")
    _write(KEPT / "last.json", {"password": stack.postgres.password})


def announce(stack: Stack) -> Path:
    """Tell other commands of this project that a demo runs, until the file is removed."""
    file = ROOT / ".kel/running.json"
    file.parent.mkdir(exist_ok=True)
    _write(
        file,
        {"url": stack.postgres.url, "password": stack.postgres.password, "owner": os.getpid()},
    )
    return file


@contextmanager
def some_database(settings: Settings) -> Iterator[Settings]:
    """Settings with a database that answers; raises PartError where there is none at all."""
    if "KEL_DATABASE" in os.environ:
        yield settings
    elif running := _running():
        yield _with(settings, running["url"], running["password"])
    elif (KEPT / "last.json").exists():
        password = json.loads((KEPT / "last.json").read_text())["password"]
        postgres = Postgres(KEPT, password)
        postgres.child.start()
        try:
            postgres.ready()
            yield _with(settings, postgres.url, password)
        finally:
            postgres.child.end()
    else:
        raise PartError("no database: set KEL_DATABASE, or run `make demo` first")


def _running() -> dict[str, str] | None:
    try:
        running: dict[str, str] = json.loads((ROOT / ".kel/running.json").read_text())
        os.kill(int(running["owner"]), 0)
    except (OSError, ValueError, KeyError):
        return None
    return running


def _with(settings: Settings, url: str, password: str) -> Settings:
    return settings.model_copy(
        update={"database": url, "database_password": SecretStr(password)}
    )


def _write(file: Path, content: dict[str, object]) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        json.dump(content, out)
