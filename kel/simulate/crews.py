"""Crews at work: they get orders as on MQTT and answer as people do.

Laws:
- the same orders bring the same answers: what a crew does is a function of the order's id;
- an order sent twice is one; a withdrawn one is dropped, what was already answered stays answered;
- answers come in order (accept, arrive, complete), never before the order nor in the story's past;
- who has work left when the order says to hand over leaves it to others;
- nobody works on two orders at a time: who is on a job goes to the next one after it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zlib import crc32

from kel.model.city import City
from kel.model.ids import make_id
from kel.model.moment import HOUR_US, MINUTE_US, to_us
from kel.model.place import Point
from kel.simulate.ground import metres
from kel.simulate.noise import Stream, uniform

Payload = dict[str, object]

ANSWER_US = (2 * MINUTE_US, 5 * MINUTE_US)  # after the order was made
EARLY_US, LATE_US = -3 * MINUTE_US, 9 * MINUTE_US  # against the planned arrival
WORK = (0.8, 1.25)  # of the usual hours
BETWEEN_JOBS_US = 5 * MINUTE_US
STREETS = 1.35  # road over straight distance
ODD_USE = 0.12  # of materials are one more or one less than planned


@dataclass(frozen=True, slots=True)
class Done:
    """A job that ended: what a world must hear to mend its trouble."""

    order: str
    incident: object
    crew: str
    category: str
    place: Point
    at_us: int


@dataclass(slots=True)
class Job:
    """An order as the crew sees it. `todo`: answers to come, each with its planned moment."""

    payload: Mapping[str, Any]
    received: int
    people: frozenset[str]
    accepts: int
    arrives: int
    completes: int
    leaves: bool = False  # what is left when it completes is for others
    todo: list[str] = field(default_factory=lambda: ["accept", "arrive", "complete"])
    completed_at: int | None = None


class CrewSim:
    """All crews of the city."""

    def __init__(self, city: City, seed: int) -> None:
        self._city, self._seed = city, seed
        self._jobs: dict[str, Job] = {}

    def order(self, payload: Mapping[str, Any]) -> None:
        """An order came, as the JSON of its MQTT message."""
        known = str(payload["order"])
        job = self._jobs.get(known)
        if payload["state"] == "withdrawn":
            if job is None:
                self._jobs[known] = job = self._plan(payload)
            job.todo.clear()
        elif job is None:
            self._jobs[known] = self._plan(payload)

    def due(self, since_us: int, until_us: int) -> list[tuple[str, Payload]]:
        """The answers that are given in [since, until), as (crew, reply) in order of time.

        An answer planned before `since` (its order came late) is given at `since`, and all that
        follows it moves by as much.
        """
        replies: list[tuple[int, str, Payload]] = []
        for known, job in sorted(self._jobs.items()):
            while job.todo:
                self._not_before(job, since_us)
                at = _planned(job)
                if at >= until_us:
                    break
                action = job.todo.pop(0)
                replies.append((at, str(job.payload["crew"]), self._reply(known, job, action, at)))
                if action == "complete" and not job.leaves:
                    job.completed_at = at
        replies.sort(key=lambda r: (r[0], r[1], str(r[2]["id"])))
        return [(crew, reply) for _, crew, reply in replies]

    def done(self, since_us: int, until_us: int) -> list[Done]:
        """The jobs that were completed in [since, until), by the answers given so far."""
        ended = [
            Done(
                known,
                job.payload.get("incident"),
                str(job.payload["crew"]),
                str(job.payload["category"]),
                _place(job.payload),
                job.completed_at,
            )
            for known, job in self._jobs.items()
            if job.completed_at is not None and since_us <= job.completed_at < until_us
        ]
        return sorted(ended, key=lambda d: (d.at_us, d.order))

    def _plan(self, payload: Mapping[str, Any]) -> Job:
        known = str(payload["order"])
        answer, drive, work = uniform(self._seed, Stream.CREW, crc32(known.encode()), [1, 2, 3])
        made, arrive = _us(payload["made_at"]), _us(payload["arrive_at"])
        accepts = made + int(ANSWER_US[0] + answer * (ANSWER_US[1] - ANSWER_US[0]))
        people = frozenset(str(_id(person)) for person in payload.get("people", ()))
        busy = (j for j in self._jobs.values() if j.people & people and "complete" in j.todo)
        free = max((job.completes for job in busy), default=0)
        arrives = arrive + int(EARLY_US + drive * (LATE_US - EARLY_US))
        arrives = max(arrives, accepts + 2 * MINUTE_US, free + BETWEEN_JOBS_US)
        left, finish = int(payload.get("remaining_min", 0)) * MINUTE_US, _us(payload["finish_at"])
        hours = max(finish - arrive + left, 0) / HOUR_US  # that such a job usually takes
        hours *= WORK[0] + float(work) * (WORK[1] - WORK[0])
        completes = arrives + int(hours * HOUR_US)
        leaves = left > 0 and completes > finish
        completes = max(finish, arrives) if leaves else completes
        accepts, arrives, completes = map(_second, (accepts, arrives, completes))
        return Job(payload, made, people, accepts, arrives, completes, leaves)

    def _not_before(self, job: Job, since_us: int) -> None:
        """Move what is still to come, so that its first answer is not before `since`."""
        late = since_us - _planned(job)
        if late > 0:
            for action in job.todo:
                setattr(job, f"{action}s", getattr(job, f"{action}s") + late)

    def _reply(self, known: str, job: Job, action: str, at_us: int) -> Payload:
        reply: Payload = {
            "id": str(make_id("reply", known, action)),
            "order": known,
            "action": action,
            "ts": at_us // 1000,
        }
        if action == "complete":
            reply["action"] = "leave" if job.leaves else action
            reply["used"] = self._used(known, job.payload)
            reply["km"] = self._km(job.payload)
        return reply

    def _used(self, known: str, payload: Mapping[str, Any]) -> list[Payload]:
        """As planned, but now and then one more or one less."""
        planned: dict[str, float] = {}
        for line in payload.get("items", ()):  # of two places perhaps: the crew reports the sum
            planned[line["item"]] = planned.get(line["item"], 0.0) + float(line["quantity"])
        return [
            {"item": item, "quantity": _plain(self._odd(known, i, quantity))}
            for i, (item, quantity) in enumerate(planned.items())
        ]

    def _odd(self, known: str, i: int, quantity: float) -> float:
        chance = float(uniform(self._seed, Stream.CREW, crc32(known.encode()), 10 + i)[0])
        if chance >= ODD_USE:
            return quantity
        return max(quantity + (1 if chance < ODD_USE / 2 else -1), 0.0)

    def _km(self, payload: Mapping[str, Any]) -> float:
        crew = self._city.crews.get(str(payload["crew"]))
        if crew is None:
            return 0.0
        return round(2 * STREETS * metres(crew.base, _place(payload)) / 1000, 1)


def _planned(job: Job) -> int:
    """The planned moment of the job's next answer."""
    return {"accept": job.accepts, "arrive": job.arrives, "complete": job.completes}[job.todo[0]]


def _us(moment: object) -> int:
    return to_us(datetime.fromisoformat(str(moment)))


def _second(us: int) -> int:
    return us // 1_000_000 * 1_000_000


def _place(payload: Mapping[str, Any]) -> Point:
    return Point(float(payload["place"]["lat"]), float(payload["place"]["lon"]))


def _id(person: object) -> object:
    return person.get("id") if isinstance(person, Mapping) else person


def _plain(quantity: float) -> float | int:
    return int(quantity) if quantity.is_integer() else round(quantity, 3)
