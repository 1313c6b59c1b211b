"""The city's own formats: what ties a mapping to topics, classes and devices. Pure.

Laws:
- no topic belongs to two formats;
- a mapping fills metrics that the classes of its devices declare, in units that become theirs.
"""

from collections.abc import Iterator

from kel.city.entries import ADDRESSES, ClassEntry, MappingEntry, MetricEntry
from kel.city.files import Files
from kel.city.records import Found, suggest
from kel.model.mapping import DEVICE, JsonMapping, MappedMetric
from kel.model.mistake import Mistake
from kel.model.units import UnitError, linear
from kel.topics import UNHEARD, UPLINK, overlap

# Names that decoders have, and topics that are KEL's, the broker's, or already heard.
NAMES = frozenset({*ADDRESSES, "broker", "crews", "requests"})
TAKEN = ("kel/#", "$SYS/#", *UNHEARD, *UPLINK)


def mapping_of(e: MappingEntry) -> JsonMapping:
    """The entry as the decoder takes it."""
    metrics = tuple(
        MappedMetric(m.at, m.metric, m.unit, m.scale, m.offset, m.values) for m in e.metrics
    )
    return JsonMapping(
        id=e.id,
        label=e.label,
        topic=e.topic,
        metrics=metrics,
        device=e.device,
        time=e.time.at if e.time else None,
        time_form=e.time.form if e.time else "iso",
        readings=e.readings,
    )


def sources_of(files: Files) -> frozenset[str] | None:
    """All formats that a device may speak; None where the mappings could not be read."""
    known = files.mappings.known
    return None if known is None else frozenset({*known, *ADDRESSES})


def check_mappings(files: Files) -> Iterator[Mistake]:
    """All mistakes between mappings and the rest."""
    heard = [(taken, "KEL's own") for taken in TAKEN]
    for mapping in files.mappings.found:
        e = mapping.entry
        if e.id in NAMES:
            yield mapping.record.mistake(("id",), f"{e.id} is a format of KEL's own")
        mine = e.topic.replace(DEVICE, "+")
        for other, whose in heard:
            if overlap(mine, other):
                what = f"the same topic may match {other} too, which is {whose}"
                yield mapping.record.mistake(("topic",), what)
                break
        heard.append((mine, f"the mapping {e.id}"))
        yield from _metrics(mapping, files)
        yield from _addresses(mapping, files)


def _metrics(mapping: Found[MappingEntry], files: Files) -> Iterator[Mistake]:
    if not files.classes.whole:
        return
    classes = _classes(mapping.entry, files)
    for i, mapped in enumerate(mapping.entry.metrics):
        declared = [m for cls in classes for m in cls.metrics if m.name == mapped.metric]
        at = ("metrics", i)
        if not declared:
            names = frozenset(m.name for cls in classes for m in cls.metrics)
            told = ", ".join(cls.id for cls in classes)
            what = f"no class of its devices ({told}) has a metric {mapped.metric}"
            yield mapping.record.mistake((*at, "metric"), what + suggest(mapped.metric, names))
        for metric in declared:
            wrong = _unit(mapped.unit, metric)
            if wrong:
                yield mapping.record.mistake((*at, "unit"), wrong)
                break


def _classes(e: MappingEntry, files: Files) -> list[ClassEntry]:
    """The classes of the devices that speak it; while there are none, all."""
    used = {c for c, rows in files.devices.items() if any(d.source == e.id for d in rows.entries)}
    return [cls for cls in files.classes.entries if cls.id in used or not used]


def _unit(unit: str, metric: MetricEntry) -> str:
    try:
        linear(unit or metric.unit, metric.unit)
    except UnitError as error:
        return f"{metric.name} is declared in {metric.unit}: {error}"
    return ""


def _addresses(mapping: Found[MappingEntry], files: Files) -> Iterator[Mistake]:
    """A level of a topic holds no slash."""
    if DEVICE not in mapping.entry.topic:
        return
    for device in files.all_devices:
        e = device.entry
        if e.source == mapping.entry.id and {*e.identity} & {*"/+#"}:
            what = f"{e.identity} cannot be one level of the topic {mapping.entry.topic}"
            yield device.record.mistake(("address",), what)
