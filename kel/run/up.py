"""`kel up`: the parts and the processes on this machine, on the machine's clock, until Ctrl-C.

Laws:
- it says that it is up once what is published reaches KEL, not before;
- no password is printed, and none has to be typed: the files that hold them are named, and readable
  by nobody else.
"""

import shlex
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from kel.model.city import City
from kel.mqtt import Link
from kel.run.loading import bring, read_loadable
from kel.run.play import logins, wait_for_bridge
from kel.run.services import Services
from kel.settings import Settings
from kel.stack.kept import announce
from kel.stack.stack import Stack
from kel.store.classes import table_of
from kel.store.connect import connect
from kel.store.migrate import migrate
from kel.topics import BRIDGE, ORDERS, TELEMETRY

LOOK_S = 0.5
# Systems that the example city has none of, but anybody may have who tries a device.
FURTHER = ("things-stack", "onvif", "zigbee2mqtt", "talq", "fiware", "senml")


def run_up(settings: Settings, tell: Callable[[str], None]) -> None:
    """Start everything, say where to publish and with which login, and keep it running.

    Ends when interrupted; while it starts, the interruption goes on to the caller.
    """
    found = read_loadable(settings)
    files = found.files
    tell("starting Mosquitto, Kafka and PostgreSQL …")
    vendors = [mapping.login for mapping in files.city.mappings.values()]
    with Stack([*logins(files.city), *FURTHER, *vendors]) as stack:
        announced = announce(stack)
        try:
            with connect(stack.settings("kel-desk", settings.city)) as connection:
                migrate(connection)
                bring(connection, found, "kel up")
            environment = {"KEL_CITY": str(settings.city.resolve())}
            if settings.lamps_per_feeder:
                environment["KEL_LAMPS_PER_FEEDER"] = str(settings.lamps_per_feeder)
            with Services(stack, environment) as services:
                clock = stack.settings("kel-clock", settings.city)  # this login hears the bridge
                state = BRIDGE.format(bridge=settings.bridge)
                with Link(clock, "kel-up", [state], keep_session=False) as hears:
                    wait_for_bridge(hears, services.watch)
                for line in where(stack, files.city, environment):
                    tell(line)
                with suppress(KeyboardInterrupt):
                    while True:
                        time.sleep(LOOK_S)
                        services.watch()
                tell("ending …")
        finally:
            announced.unlink(missing_ok=True)
    tell("everything has ended")


def where(stack: Stack, city: City, environment: Mapping[str, str]) -> list[str]:
    """Write the files that hold the logins, and say what can be done now."""
    mqtt = _options(stack)
    env = _secret(
        stack.folder / "env",
        "".join(
            f"export {name}={shlex.quote(value)}\n"
            for name, value in {**stack.environment("kel-bridge"), **environment}.items()
        ),
    )
    device = next(d for d in city.devices.values() if d.source == "kel")
    metric = city.classes[device.cls].metrics[0].name
    reading = f'{{"ts": "\'$(date -u +%FT%TZ)\'", "{metric}": 3.5}}'
    topic = TELEMETRY.format(community=device.community, device=device.id)
    crew = next(iter(city.crews))
    return [
        "",
        "KEL is up, on this machine's clock. Ctrl-C ends everything and removes it.",
        "",
        f"  MQTT        127.0.0.1:{stack.mosquitto.port}",
        f"  Kafka       127.0.0.1:{stack.kafka.port}",
        f"  PostgreSQL  {stack.postgres.url}",
        f"  logs        {stack.folder}/*.log",
        "",
        f"Each login has a folder in {mqtt}, with the options (address,",
        "login, password) that mosquitto_pub and mosquitto_sub read (apt-get install",
        "mosquitto-clients). A community's gateway sends a reading, a crew hears its orders:",
        "",
        f"  XDG_CONFIG_HOME={mqtt / device.community} mosquitto_pub -q 1 \\",
        f"    -t {topic} -m '{reading}'",
        f"  XDG_CONFIG_HOME={mqtt / crew} mosquitto_sub -t {ORDERS.format(crew=crew)}",
        "",
        "What has come of it, in another terminal; the file sets the KEL_… variables:",
        "",
        f"  . {env}",
        "  kel doctor; kel incidents list",
        '  PGPASSWORD=$KEL_DATABASE_PASSWORD psql "$KEL_DATABASE" \\',
        f"    -c 'table {table_of(device.cls)}' -c 'table reject_count'",
        "",
    ]


def _options(stack: Stack) -> Path:
    """A folder for each login, with its options as Mosquitto's clients read them from a file."""
    folder = stack.folder / "mqtt"
    folder.mkdir(mode=0o700)
    for login, password in stack.mosquitto.passwords.items():
        text = f"-h 127.0.0.1\n-V 5\n-p {stack.mosquitto.port}\n-u {login}\n-P {password}\n"
        (folder / login).mkdir()
        for client in ("mosquitto_pub", "mosquitto_sub"):
            _secret(folder / login / client, text)
    return folder


def _secret(file: Path, text: str) -> Path:
    """Write a file for nobody but us."""
    file.touch(mode=0o600)
    file.write_text(text, "utf-8")
    return file
