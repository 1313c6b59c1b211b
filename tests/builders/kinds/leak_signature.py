"""leak_signature: cases and reference."""

import math
from typing import Any

import numpy as np

from kel.model.city import City
from kel.model.device import Device
from rules.parts.nnls import nnls
from tests.builders.kinds.case import NAN, US, Plain, Told, Values, case

ZONES = (11, 12, 13, 14)
VALUES = {"flow": (10.0, 20.0, 35.0, NAN), "pressure": (2.0, 2.25, 2.5, 3.0, NAN)}
COMMON = {
    "watch": '{class="zone", metric="pressure"}',
    "every": '"10m"',
    "training": '"4h"',
    "judged": '"10m"',
    "settle": '"20m"',
    "forget": '"30m"',
    "gone": "1.2",
}
CASES = {
    "leaks": case(
        "leak_signature",
        ZONES,
        VALUES,
        steps=110,
        inflow='{devices=["zm-01"], metric="flow"}',
        mean='"30m"',
        for_='"10m"',
        above="0.7",
        **COMMON,
    ),
    "leaks beside a pump": case(
        "leak_signature",
        ZONES,
        VALUES,
        steps=110,
        inflow='{devices=["zm-01"], metric="flow"}',
        pumps='{devices=["zm-99"], metric="flow", above=15.0}',
        mean='"1h"',
        for_='"20m"',
        above="0.35",
        again="1.5",
        **COMMON,
    ),
}

Span = tuple[int, list[float], dict[str, float]]  # end, terms, residuals


class Leak:
    def __init__(self, sensor: str, told: int, size: float, way: dict[str, float]) -> None:
        self.sensor, self.told, self.size, self.way = sensor, told, size, way
        self.faint: int | None = None


class Network:
    """The whole network: keeps every row, and goes on span by span at each tick."""

    def __init__(self, rule: Any, watched: list[Device]) -> None:
        self.rule, self.every = rule, rule.every // US
        self.by_number = {d.number: d.id for d in watched}
        self.sensors = [d.id for d in watched]
        self.told = {s: Told(rule.id, s) for s in self.sensors}
        self.rows: dict[int, list[tuple[str, Values]]] = {}  # by the end of their span
        self.clock = -math.inf
        self.past: list[tuple[list[float], dict[str, float]]] = []
        self.model: dict[str, tuple[Any, float]] = {}
        self.recent: list[Span] = []
        self.leaks: list[Leak] = []
        self.base = dict.fromkeys(self.sensors, 0.0)
        self.silent: set[str] = set()
        self.since: int | None = None
        self.moving: int | None = None
        self.ended: int | None = None
        self.learned = False

    def row(self, number: int, now: int, values: Values) -> None:
        end = (now // self.every + 1) * self.every
        if end > self.clock:
            self.rows.setdefault(end, []).append((self.by_number[number], values))

    def tick(self, now: int) -> None:
        self.clock = now
        for end in sorted(e for e in self.rows if e <= now):
            self.span(end, self.rows.pop(end))

    def span(self, end: int, rows: list[tuple[str, Values]]) -> None:
        def mean(device: str, metric: str) -> float:
            heard = [v[metric] for d, v in rows if d == device and not math.isnan(v[metric])]
            return sum(heard) / len(heard) if heard else NAN

        rule = self.rule
        q = sum(mean(d, rule.inflow.metric) for d in rule.inflow.devices)
        z = [1.0, math.copysign(abs(q) ** 1.852, q)]
        pumps = [mean(d, rule.pumps.metric) for d in rule.pumps.devices] if rule.pumps else []
        runs = [p if math.isnan(p) else float(p > rule.pumps.above) for p in pumps]
        z += [*runs, *(r * q for r in runs)]
        readings = {s: mean(s, rule.watch.metric) for s in self.sensors}
        readings = {s: r for s, r in readings.items() if not math.isnan(r)}
        self.recent = [r for r in self.recent if r[0] > end - (rule.mean + rule.for_) // US]
        if not any(map(math.isnan, z)):
            if self.learned:
                self.recent.append((end, z, self.residuals(z, readings)))
            else:
                self.past.append((z, readings))
                if len(self.past) == rule.training // rule.every:
                    self.learn()
        if self.learned and end % (rule.judged // US) == 0:
            self.judge(end)

    def learn(self) -> None:
        self.learned = True
        table = np.array([z for z, _ in self.past])
        self.usual = sum(abs(z[1]) for z, _ in self.past) / len(self.past) or 1.0
        self.scale = np.where(np.abs(table).max(axis=0) > 0, np.abs(table).max(axis=0), 1.0)
        table = table / self.scale
        self.inverse = np.linalg.pinv(table.T @ table)
        free = np.linalg.matrix_rank(table)
        for sensor in self.sensors:
            rows = [n for n, (_, r) in enumerate(self.past) if sensor in r]
            if len(rows) < max(len(self.past) / 2, free + 2):
                continue
            y = np.array([self.past[n][1][sensor] for n in rows])
            c = np.linalg.lstsq(table[rows], y, rcond=None)[0]
            sigma = math.sqrt(sum((y - table[rows] @ c) ** 2) / (len(rows) - free))
            if sigma > 1e-9 * max(abs(y).max(), 1.0):
                self.model[sensor] = c, sigma

    def residuals(self, z: list[float], readings: dict[str, float]) -> dict[str, float]:
        terms = np.array(z) / self.scale
        return {
            s: (r - float(terms @ self.model[s][0])) / self.model[s][1]
            for s, r in readings.items()
            if s in self.model
        }

    def weight(self, z: list[float]) -> float:
        return float((abs(z[1]) / self.usual) ** (0.852 / 1.852))

    def mean_of(self, spans: list[Span]) -> dict[str, float]:
        told = {s: [(self.weight(z), r[s]) for _, z, r in spans if s in r] for s in self.sensors}
        return {
            s: sum(w * r for w, r in t) / sum(w * w for w, _ in t)
            for s, t in told.items()
            if sum(w for w, _ in t) > 0 and 2 * len(t) >= len(spans)
        }

    def judge(self, now: int) -> None:
        rule = self.rule
        mean, hold = rule.mean // US, rule.for_ // US
        spans = [r for r in self.recent if r[0] > now - mean and self.weight(r[1]) > 0]
        if not spans or len(spans) < (rule.mean // rule.every) / 2:
            return
        d = self.mean_of(spans)
        if not d:
            return
        newest = [r for r in self.recent if r[0] > now - hold]
        before = [r for r in self.recent if r[0] <= now - mean]
        new, old = self.mean_of(newest), self.mean_of(before)
        step = {s: new[s] - old[s] if s in new and s in old else 0.0 for s in self.sensors}
        step = {s: c if s in d else 0.0 for s, c in step.items()}
        heavy = [sum(self.weight(z) ** 2 for _, z, _ in ends) for ends in (newest, before)]
        unsure = math.sqrt(sum(1 / h for h in heavy if h) * len(d))
        heavy_z = sum(self.weight(z) ** 2 for _, z, _ in spans)
        z = np.sum([self.weight(z) * (z / self.scale) for _, z, _ in spans], axis=0) / heavy_z
        noise = math.sqrt((1 / heavy_z + z @ self.inverse @ z) * len(d))
        stayed = [s for s in d if s not in self.silent]
        left, _ = self.left(d, stayed)
        for sensor in d:
            if sensor in self.silent:
                self.base[sensor] += left[sensor]
        self.silent = set(self.sensors) - set(d)
        left, amounts = self.left(d, list(d))
        calm = self.since is None
        for n, leak in enumerate(self.leaks):
            young = now - leak.told < rule.settle // US and amounts[n] > leak.size / 2
            if young or (calm and amounts[n] > rule.again * leak.size):
                own = {s: left[s] + amounts[n] * leak.way[s] for s in d}
                leak.size = math.hypot(*own.values())
                leak.way = {s: own.get(s, 0.0) / leak.size for s in self.sensors}
                left, amounts = self.left(d, list(d))
        if self.stepped(now, step, unsure, set(d)):
            _, amounts = self.left(d, list(d))
            self.leaks[-1].size = amounts[-1]
        else:
            left = {s: left[s] if s in d else 0.0 for s in left}
            free = max(len(d) - sum(a > 0 for a in amounts), 1)
            most = rule.above * noise * math.sqrt(free / len(d))
            amounts = self.lasted(now, left, step, amounts, most, set(d))
        self.forget(now, amounts, noise / math.sqrt(len(d)))

    def stepped(self, now: int, step: dict[str, float], unsure: float, known: set[str]) -> bool:
        mean, hold = self.rule.mean // US, self.rule.for_ // US
        marks = [leak.told for leak in self.leaks] + ([self.ended] if self.ended else [])
        taken = any(now - mark < mean + hold for mark in marks)
        if taken or math.hypot(*step.values()) <= 3.5 * unsure:
            self.moving = None
            return False
        self.moving = now if self.moving is None else self.moving
        if now - self.moving < hold:
            return False
        since, self.since, self.moving = self.moving, None, None
        if max(step.values()) > -min(step.values()):
            self.ended = now
        return self.hear(now, since, step, step, known)

    def lasted(
        self,
        now: int,
        left: dict[str, float],
        step: dict[str, float],
        amounts: list[float],
        most: float,
        known: set[str],
    ) -> list[float]:
        mean, hold = self.rule.mean // US, self.rule.for_ // US
        length = math.hypot(*left.values())
        ago = math.inf if self.ended is None else now - self.ended
        since, self.since = self.since, None
        if length <= most or ago < mean:
            return amounts
        if ago < mean + hold:
            self.base = {s: self.base[s] + left[s] for s in self.sensors}
            return amounts
        since = now if since is None else since
        if now - since < hold:
            self.since = since
            return amounts
        by = step if math.hypot(*step.values()) > length / 2 else left
        if self.hear(now, since, left, by, known):
            return [*amounts, length]
        self.base = {s: self.base[s] + left[s] for s in self.sensors}
        return amounts

    def left(self, d: dict[str, float], known: list[str]) -> tuple[dict[str, float], list[float]]:
        """What the leaks do not explain of all that is in d, and how much there is of each."""
        x = {s: d[s] - self.base[s] if s in d else 0.0 for s in self.sensors}
        if not self.leaks:
            return x, []
        ways = np.array([[leak.way[s] for leak in self.leaks] for s in known])
        shape = (len(known), len(self.leaks))
        amounts = nnls(ways.reshape(shape), np.array([x[s] for s in known])).tolist()
        told = zip(amounts, self.leaks, strict=True)
        both = [(a, leak.way) for a, leak in told]
        return {s: x[s] - sum(a * way[s] for a, way in both) for s in self.sensors}, amounts

    def hear(
        self, now: int, since: int, way: dict[str, float], by: dict[str, float], known: set[str]
    ) -> bool:
        taken = {leak.sensor for leak in self.leaks}
        free = sorted(known - taken, key=lambda s: (by[s], self.sensors.index(s)))
        if max(by.values()) > -min(by.values()) or not free:
            return False
        size = math.hypot(*way.values())
        self.leaks.append(Leak(free[0], now, size, {s: w / size for s, w in way.items()}))
        self.told[free[0]].fire(since, now)
        return True

    def forget(self, now: int, amounts: list[float], error: float) -> None:
        for leak, amount in zip(list(self.leaks), amounts, strict=True):
            if amount >= self.rule.gone * error:
                leak.faint = None
                continue
            leak.faint = now if leak.faint is None else leak.faint
            if now - leak.faint >= self.rule.forget // US:
                self.leaks.remove(leak)
                self.told[leak.sensor].end(now)


class On:
    """The alerts on one sensor; the first of them is given the rows."""

    def __init__(self, network: Network, sensor: str, numbers: frozenset[int]) -> None:
        self.network, self.told, self.numbers = network, network.told[sensor], numbers

    def row(self, number: int, now: int, values: Values) -> None:
        self.network.row(number, now, values)

    def tick(self, now: int) -> None:
        if self.numbers:
            self.network.tick(now)


def build(rule: Any, watched: list[Device], city: City) -> list[Plain]:
    del city
    roles = [role for role in (rule.inflow, rule.pumps) if role]
    if not {name for role in roles for name in role.devices} <= {d.id for d in watched}:
        return []
    network = Network(rule, sorted(watched, key=lambda d: d.number))
    every = frozenset(network.by_number)
    return [On(network, s, frozenset() if n else every) for n, s in enumerate(network.sensors)]


BUILD = build
