"""`kel up`: the parts and the processes on this machine, on the machine's clock, until Ctrl-C."""

import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from kel.run.cityfiles import load_city_files
from kel.run.play import logins
from kel.run.services import Services
from kel.settings import Settings
from kel.stack.kept import announce
from kel.stack.stack import Stack
from kel.store.connect import connect
from kel.store.load import load
from kel.store.migrate import migrate


def run_up(settings: Settings, tell: Callable[[str], None]) -> None:
    """Start everything, say where to publish and with which login, and keep it running."""
    files = load_city_files(settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with Stack(logins(files.city)) as stack:
        announced = announce(stack)
        try:
            with connect(stack.settings("kel-desk", settings.city)) as connection:
                migrate(connection)
                load(connection, files.city, datetime.now(UTC))
            environment = {"KEL_CITY": str(settings.city.resolve())}
            with Services(stack, environment) as services:
                for line in _where(stack):
                    tell(line)
                while not stop.wait(0.5):
                    services.watch()
        finally:
            announced.unlink(missing_ok=True)
    tell("everything has ended")


def _where(stack: Stack) -> list[str]:
    file = stack.folder / "logins"
    file.touch(mode=0o600)
    file.write_text("".join(f"{u} {p}\n" for u, p in stack.mosquitto.passwords.items()))
    return [
        f"MQTT        127.0.0.1:{stack.mosquitto.port}, logins and passwords in {file}",
        f"Kafka       127.0.0.1:{stack.kafka.port}",
        f"PostgreSQL  {stack.postgres.url}; `kel incidents list` and the like find it",
        f"logs        {stack.folder}",
        "Ctrl-C ends everything",
    ]
