"""Playing the story over real MQTT: the city's devices, its citizens and its crews' phones.

Laws:
- time goes on only when everything said so far is committed: the desk has decided up to the last
  tick, and every order it sent has reached its crew. So a process that dies in the middle changes
  nothing but the wall clock;
- each gateway, each crew and the clock have a login of their own;
- what the simulation knows (where it burst) never reaches KEL but through a message.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from time import monotonic, sleep
from uuid import UUID

import orjson

from kel.model.city import City
from kel.model.moment import from_us
from kel.mqtt import Link
from kel.settings import Settings
from kel.simulate.answers import answers
from kel.simulate.crews import CrewSim
from kel.simulate.speak import Speaker
from kel.simulate.story import Story
from kel.simulate.world import World
from kel.store.story import Stand
from kel.topics import BRIDGE, CLOCK, ORDERS

STALL_S = 90.0  # nothing committed for so long: something is broken, not slow

GATEWAYS = {
    "spBv1.0": "scada",
    "application": "chirpstack",
    "ucifi": "lights",
    "frigate": "frigate",
}


class StalledError(RuntimeError):
    """The story waits for a commit that does not come."""


def login_of(topic: str) -> str:
    """The login of the gateway that publishes on this topic."""
    levels = topic.split("/")
    if levels[0] in GATEWAYS:
        return GATEWAYS[levels[0]]
    if topic.startswith("kel/v1/crews/"):
        return levels[3]
    return "citizens" if topic.endswith("/requests") else levels[2]


def logins(city: City) -> list[str]:
    """All logins of the city's gateways and crews."""
    return [*GATEWAYS.values(), "citizens", *city.communities, *city.crews]


def _hears(login: str, city: City) -> list[str]:
    """What a login subscribes to: a crew its orders, the clock whether the bridge is there."""
    if login == "kel-clock":
        return [BRIDGE.format(bridge="bridge")]
    return [ORDERS.format(crew=login)] if login in city.crews else []


def wait_for_bridge(hears: Link, watch: Callable[[], None]) -> None:
    """Wait until the bridge has made Kafka's topic and has subscribed: what is published before it
    ever has would reach nobody.

    `hears` is a link that hears its state; `watch` starts again what has died. Raises StalledError.
    """
    patience = monotonic() + STALL_S
    while not any(m.payload == b"online" for m in hears.receive()):
        if monotonic() > patience:
            raise StalledError(f"no bridge came up within {STALL_S:.0f} s")
        watch()
        sleep(0.05)


class Player:
    """The city on the air.

    `operator` lets somebody look at the screens over a span (µs) and say what they say; `look` asks
    the store how far it is; `watch` starts again what has died.
    """

    def __init__(
        self,
        settings: Settings,
        passwords: dict[str, str],
        world: World,
        story: Story,
        crews: CrewSim,
        operator: Callable[[int, int], None],
        look: Callable[[], Stand],
        watch: Callable[[], None],
    ) -> None:
        self._world = world
        self._operator = operator
        self._look = look
        self._watch = watch
        self._speaker = Speaker(world.city, story.bad)
        self._crews = crews
        self._heard: set[UUID] = set()
        self._links = {
            login: Link(
                settings,
                f"story-{login}",
                _hears(login, world.city),
                user=login,
                password=password,
            )
            for login, password in passwords.items()
            if login in {*logins(world.city), "kel-clock"}
        }

    def __enter__(self) -> "Player":
        for link in self._links.values():
            link.open()
        wait_for_bridge(self._links["kel-clock"], self._watch)
        return self

    def __exit__(self, *_: object) -> None:
        for link in self._links.values():
            link.close()

    def play(self, start_us: int, end_us: int, step_us: int, step_s: float) -> Iterator[datetime]:
        """Play [start, end) in steps of `step_s` at the least; yields the time after each."""
        due = monotonic()
        for since in range(start_us, end_us, step_us):
            until = min(since + step_us, end_us)
            self._step(since, until)
            due = max(due + step_s, monotonic() - step_s)
            while (left := due - monotonic()) > 0:
                self._watch()
                sleep(min(left, 0.2))
            yield from_us(until)

    def _step(self, since: int, until: int) -> None:
        said = answers(self._crews, self._world, since, until)
        said += self._speak(since, until)
        self._operator(since, until)
        self._tell_time(until, tick=False)
        self._publish(said)
        self._tell_time(until, tick=True)
        self._wait(until)

    def _speak(self, since: int, until: int) -> Sequence[tuple[str, bytes]]:
        said = self._speaker.speak(self._world.step(since, until))
        return [*said, *self._speaker.bad_messages(since, until)]

    def _publish(self, messages: Iterable[tuple[str, bytes]]) -> None:
        by_login: dict[str, list[tuple[str, bytes]]] = {}
        for topic, payload in messages:
            by_login.setdefault(login_of(topic), []).append((topic, payload))
        sent = {login: self._links[login].send(mine) for login, mine in by_login.items()}
        for login, infos in sent.items():
            self._links[login].wait(infos)

    def _tell_time(self, now: int, *, tick: bool) -> None:
        """Say what time it is before a step's messages; the tick after them ends the step.

        The first is retained, so that a bridge that was started anew learns the time.
        """
        said = orjson.dumps({"now": now, "tick": tick})
        self._links["kel-clock"].publish([(CLOCK, said)], retain=not tick)

    def _wait(self, until: int) -> None:
        wanted, patience = from_us(until), monotonic() + STALL_S
        while True:
            self._hear_orders()
            stand = self._look()
            decided = stand.clock is not None and stand.clock >= wanted
            if decided and not stand.unsent and stand.sent <= self._heard:
                return
            if monotonic() > patience:
                raise StalledError(
                    f"nothing was committed for {STALL_S:.0f} s; the desk stands at {stand.clock}, "
                    f"the story at {wanted}; {stand.unsent} orders wait, "
                    f"{len(stand.sent - self._heard)} did not reach their crew"
                )
            self._watch()
            sleep(0.02)

    def _hear_orders(self) -> None:
        for crew in self._world.city.crews:
            link = self._links[crew]
            orders = link.receive()
            for received in orders:
                payload = orjson.loads(received.payload)
                self._heard.add(UUID(payload["order"]))
                self._crews.order(payload)
            link.acknowledge(orders)
