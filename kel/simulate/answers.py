"""Crews' answers as the messages that their phones send, and what their work does to the city."""

import orjson

from kel.simulate.crews import CrewSim
from kel.simulate.world import World
from kel.topics import REPLIES


def answers(crews: CrewSim, world: World, since_us: int, until_us: int) -> list[tuple[str, bytes]]:
    """The replies of [since, until) by topic; the troubles that those jobs ended are mended.

    Before the world tells the same span, so that it tells the city as it was then.
    """
    replies = crews.due(since_us, until_us)
    for job in crews.done(since_us, until_us):
        world.mend(job.category, job.at_us, place=job.place)
    return [(REPLIES.format(crew=crew), orjson.dumps(reply)) for crew, reply in replies]
