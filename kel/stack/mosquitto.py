"""Mosquitto as a child: the project's own configuration and ACL, on a free port."""

import secrets
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from kel.stack.child import Child, PartError
from kel.stack.folder import ROOT, free_port, give, other_user, private

SETUP = "run `make setup` (or: apt-get install mosquitto)"


class Mosquitto:
    """A broker with logins of its own. `passwords` maps each login to its password."""

    def __init__(self, folder: Path, logins: Iterable[str]) -> None:
        self.port = free_port()
        self.passwords = {login: secrets.token_urlsafe(18) for login in logins}
        self._user = other_user("mosquitto")
        self._folder = private(folder / "mosquitto", self._user)
        self.child = Child(
            "mosquitto",
            ["/usr/sbin/mosquitto", "-c", self._write()],
            folder / "mosquitto.log",
            user=self._user,
        )

    def prepare(self) -> None:
        """Nothing: its files are small and written at once."""

    def ready(self) -> None:
        wait_for_port(self.child, self.port)

    def _write(self) -> Path:
        data = private(self._folder / "data", self._user)
        acl = self._folder / "acl"
        acl.write_text((ROOT / "mosquitto/acl").read_text("utf-8"), "utf-8")
        give(acl, self._user)
        text = configure(
            (ROOT / "mosquitto/mosquitto.conf").read_text("utf-8"),
            {
                "listener": f"{self.port} 127.0.0.1",
                "password_file": str(self._passwords()),
                "acl_file": str(acl),
                "persistence_location": f"{data}/",
            },
        )
        file = self._folder / "mosquitto.conf"
        file.write_text(text, "utf-8")
        return give(file, self._user)

    def _passwords(self) -> Path:
        file = self._folder / "passwords"
        file.write_text("".join(f"{u}:{p}\n" for u, p in self.passwords.items()))
        file.chmod(0o600)
        try:
            subprocess.run(  # noqa: S603
                ["/usr/bin/mosquitto_passwd", "-U", file], check=True, capture_output=True
            )
        except FileNotFoundError as error:
            raise PartError(f"Mosquitto is not installed: {SETUP}") from error
        return give(file, self._user)


def configure(text: str, settings: Mapping[str, str]) -> str:
    """A configuration with some of its lines set otherwise. Each setting must be there already."""
    missing = dict(settings)
    lines = []
    for line in text.splitlines():
        key = line.split(" ", 1)[0]
        lines.append(f"{key} {missing.pop(key)}" if key in missing else line)
    if missing:
        raise KeyError(f"mosquitto.conf has no line {', '.join(missing)}")
    return "\n".join(lines) + "\n"


def wait_for_port(child: Child, port: int, timeout_s: float = 30.0) -> None:
    """Wait until somebody listens; raises PartError where the child ends or takes too long."""
    deadline = time.monotonic() + timeout_s
    while True:
        child.check()
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if time.monotonic() > deadline:
            raise PartError(f"{child.name} does not listen on {port}:\n{child.tail()}")
        time.sleep(0.05)
