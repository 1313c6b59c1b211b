"""The private folder of one stack, and the ports it takes."""

import os
import shutil
import socket
import tempfile
from pathlib import Path

PREFIX = "kel-"
OWNER = "owner.pid"
ROOT = Path(__file__).resolve().parents[2]  # the project: its mosquitto/, its .kel/


def make_folder() -> Path:
    """A new private folder; those that a crashed run left behind are removed first."""
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    (folder / OWNER).write_text(str(os.getpid()))
    folder.chmod(0o711)  # PostgreSQL and Mosquitto run as users of their own and pass through
    return folder


def remove_folder(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _sweep() -> None:
    for marker in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{OWNER}"):
        try:
            owner = int(marker.read_text())
            os.kill(owner, 0)
        except ProcessLookupError:
            remove_folder(marker.parent)
        except (OSError, ValueError):
            continue  # somebody else's, or being made right now


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def private(folder: Path, user: str | None) -> Path:
    """Make the folder, for nobody but that user."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if user:
        shutil.chown(folder, user, user)
    return folder


def give(file: Path, user: str | None, mode: int = 0o600) -> Path:
    """Hand a file to that user alone."""
    file.chmod(mode)
    if user:
        shutil.chown(file, user, user)
    return file


def other_user(name: str) -> str | None:
    """The user to run a part as: `name` where we are root, else ourselves (None)."""
    return name if os.geteuid() == 0 else None
