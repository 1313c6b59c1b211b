"""The three parts together: Mosquitto, Kafka, PostgreSQL, and the settings that reach them."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

from kel.settings import Settings
from kel.stack.child import Child
from kel.stack.folder import make_folder, remove_folder
from kel.stack.kafka import Kafka
from kel.stack.mosquitto import Mosquitto
from kel.stack.postgres import Postgres

OWN_LOGINS = ("kel-bridge", "kel-desk", "kel-clock")


class Stack:
    """Starts on `with`, ends with it; `folder` holds all logs and data and goes too."""

    def __init__(self, logins: Iterable[str] = ()) -> None:
        self.folder = make_folder()
        try:
            self.mosquitto = Mosquitto(self.folder, (*OWN_LOGINS, *logins))
            self.kafka = Kafka(self.folder)
            self.postgres = Postgres(self.folder)
        except BaseException:
            remove_folder(self.folder)
            raise
        self._parts = (self.mosquitto, self.kafka, self.postgres)

    def __enter__(self) -> "Stack":
        try:
            # In threads, since each waits for a program; the children themselves are started here.
            with ThreadPoolExecutor() as pool:
                list(pool.map(lambda part: part.prepare(), self._parts))
            for part in self._parts:
                part.child.start()
            for part in self._parts:
                part.ready()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def end(self) -> None:
        """End all parts and remove the folder."""
        for part in self._parts:
            part.child.end()
        remove_folder(self.folder)

    @property
    def children(self) -> list[Child]:
        return [part.child for part in self._parts]

    def environment(self, login: str, **more: str) -> Mapping[str, str]:
        """The KEL_… environment of a process that logs in to the broker as `login`."""
        return {
            "KEL_MQTT_HOST": "127.0.0.1",
            "KEL_MQTT_PORT": str(self.mosquitto.port),
            "KEL_MQTT_USER": login,
            "KEL_MQTT_PASSWORD": self.mosquitto.passwords[login],
            "KEL_KAFKA": f"127.0.0.1:{self.kafka.port}",
            "KEL_DATABASE": self.postgres.url,
            "KEL_DATABASE_PASSWORD": self.postgres.password,
            **more,
        }

    def settings(self, login: str, city: Path) -> Settings:
        """The same as an object, for code in this process."""
        names = {
            key.removeprefix("KEL_").lower(): value
            for key, value in self.environment(login, KEL_CITY=str(city)).items()
        }
        return Settings.model_validate(names)
