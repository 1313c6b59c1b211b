"""A night of the example city as the records that a bridge would write, and what they come to."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ingest.registry import Registry
from ingest.route import Router
from kel.city import read_document
from kel.model.city import City
from kel.model.message import Batch
from kel.model.moment import MINUTE_US, to_us
from kel.model.reading import Output
from kel.records import decode
from kel.run.gathering import Gathering
from kel.run.partition import Line, devices_of
from kel.settings import Settings
from kel.simulate.speak import Speaker
from kel.simulate.story import Story, story_of
from kel.simulate.world import World
from kel.store.connect import connect
from kel.store.load import numbered
from kel.store.stream import StreamStore
from kel.topics import RAW
from tests.builders.running import FOLDER, example

STEP_US = 5 * MINUTE_US
PARTITIONS = 12

Records = list[tuple[int, Batch]]


def night() -> Story:
    """The example city's story without its failing lamps, since only a few lamps are there."""
    document = read_document(FOLDER / "story.toml")
    troubles = [t for t in document.data["trouble"] if t["kind"] != "lamp_failure"]
    return story_of(replace(document, data={**document.data, "trouble": troubles}), example().city)


def spoken(first_us: int, steps: int) -> Iterator[Records]:
    """The records of each step, from `first_us` into the story's day; every step ends in a tick."""
    city, story = example().city, night()
    world = World(city, story.seed, story.start, story.troubles)
    speaker = Speaker(city, story.bad)
    gathering = Gathering(Router(Registry.of(city)).group, PARTITIONS, "bridge")
    start = to_us(story.start) + first_us
    for since in range(start, start + steps * STEP_US, STEP_US):
        until = since + STEP_US
        said = speaker.speak(world.step(since, until))
        for topic, payload in [*said, *speaker.bad_messages(since, until)]:
            gathering.put([topic.encode()], [payload], until)
        gathering.tick(until)
        yield [(partition, decode(record)) for partition, record in gathering.take()]


def replay(settings: Settings, steps: Iterable[Records]) -> None:
    """Bring a database to where undisturbed workers would: pure lines, one commit."""
    with connect(settings) as connection:
        city: City = numbered(connection, example().city)
        store = StreamStore(connection, RAW, "replay")
        store.progress(range(PARTITIONS))
        outputs = [Output(p, 0, 0) for p in range(PARTITIONS)]
        lines = [
            Line(p, city, example().rulebook, devices_of(city, p, PARTITIONS))
            for p in range(PARTITIONS)
        ]
        for partition, batch in (record for step in steps for record in step):
            output = outputs[partition]
            output.add(lines[partition].process(output.next, batch))
        store.commit(outputs)
