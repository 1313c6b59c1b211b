"""The database that a command on this machine means: the settings', a running one, the last one.

`kel trace`, `kel incidents list` and the like use the database of the settings where there is one,
else the one of a demo or a `kel up` that runs now (the newest), else they start PostgreSQL on what
the last demo left.
"""

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from kel.settings import Settings
from kel.stack.child import PartError
from kel.stack.folder import ROOT
from kel.stack.postgres import Postgres
from kel.stack.stack import Stack

_NAME = hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]
_PLACE = f"/var/tmp/kel-last-{os.geteuid()}-{_NAME}"  # noqa: S108 - mode 0711, own files
KEPT = Path(os.environ.get("KEL_KEEP", _PLACE))  # elsewhere for a run that is to leave no trace
RUNNING = ROOT / ".kel/running"  # one file for each that runs
PATIENCE_S = 30.0


def keep(stack: Stack) -> None:
    """Keep the ended stack's database; the one of an earlier demo goes."""
    with _alone():
        shutil.rmtree(KEPT, ignore_errors=True)
        KEPT.mkdir(mode=0o711)
        shutil.move(stack.folder / "postgres", KEPT / "postgres")
        _write(KEPT / "last.json", {"password": stack.postgres.password})


def announce(stack: Stack) -> Path:
    """Tell other commands of this project that a stack runs, until the file is removed."""
    RUNNING.mkdir(parents=True, exist_ok=True)
    file = RUNNING / f"{stack.folder.name}.json"
    said = {"url": stack.postgres.url, "password": stack.postgres.password, "owner": os.getpid()}
    kafka = f"127.0.0.1:{stack.kafka.port}"
    _write(file, {**said, "folder": str(stack.folder), "kafka": kafka})
    return file


@contextmanager
def some_database(settings: Settings) -> Iterator[Settings]:
    """Settings with a database that answers; raises PartError where there is none at all."""
    found = running_database(settings)
    if found:
        yield found
        return
    with kept_database(settings) as kept:
        yield kept


@contextmanager
def kept_database(settings: Settings) -> Iterator[Settings]:
    """The last demo's, on a server of its own; raises PartError where no demo left one."""
    if not _is_ours(KEPT / "last.json"):
        raise PartError("no database: set KEL_DATABASE, or run `kel demo` or `kel up` first")
    with _alone():
        password = json.loads((KEPT / "last.json").read_text())["password"]
        postgres = Postgres(KEPT, password)
        postgres.child.start()
        try:
            postgres.ready()
            yield _with(settings, postgres.url, password)
        finally:
            postgres.child.end()


def running_database(settings: Settings) -> Settings | None:
    """Settings with the database that a desk may be working on, and its Kafka, or None where
    nothing runs."""
    if "KEL_DATABASE" in os.environ:
        return settings
    said = _running()
    if said is None:
        return None
    found = _with(settings, said["url"], said["password"])
    return found.model_copy(update={"kafka": said.get("kafka", settings.kafka)})


def _running() -> dict[str, Any] | None:
    """What the newest of those that run has announced; what the dead have left is removed."""
    found = []
    for file in RUNNING.glob("*.json"):
        try:
            said: dict[str, Any] = json.loads(file.read_text())
            owner, folder = int(said["owner"]), Path(said["folder"])
            if _lives(owner) and folder.exists():
                found.append((file.stat().st_mtime_ns, said))
            else:
                file.unlink(missing_ok=True)
        except (OSError, ValueError, KeyError, TypeError):
            continue  # being written or removed right now, or somebody else's
    return max(found, key=lambda f: f[0])[1] if found else None


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_ours(file: Path) -> bool:
    """Whether we have put it there: the folder of all users' files has room for others' tricks."""
    try:
        return file.stat().st_uid == KEPT.stat().st_uid == os.geteuid()
    except FileNotFoundError:
        return False


@contextmanager
def _alone() -> Iterator[None]:
    """One at a time at the kept database: a server owns its folder; the next waits."""
    lock = ROOT / ".kel/last.lock"
    lock.parent.mkdir(exist_ok=True)
    with lock.open("a") as file:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise PartError(
                        "another command works on the last demo's database: try again"
                    ) from None
                time.sleep(0.05)
        yield


def _with(settings: Settings, url: str, password: str) -> Settings:
    return settings.model_copy(update={"database": url, "database_password": SecretStr(password)})


def _write(file: Path, content: dict[str, object]) -> None:
    """Whole or not at all, for nobody but us."""
    part = file.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        json.dump(content, out)
    part.rename(file)
