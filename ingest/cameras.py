"""What KEL may hear of cameras: what was recognised, and none of what was seen (P.D. 75/2020).

Laws:
- labels are judged before anything else, also in a city that has no camera of a format yet: its
  first one must be told as a stranger, not passed over;
- of a camera's message that is refused no byte is kept: it may name persons and plates.
"""

from collections.abc import Mapping

from ingest.registry import Registry
from kel.model.device import DeviceClass

SOURCES = ("frigate", "onvif")
TOPICS = ("frigate/", "onvif/")
HAZARDS = frozenset({"smoke", "fire"})


def allowed_labels(
    registry: Registry, classes: Mapping[str, DeviceClass], source: str
) -> frozenset[str]:
    """The metrics of the classes that cameras of this format have; where there is none, of other
    formats' cameras; else of all classes that declare smoke or fire."""
    labels = {name: frozenset(m.name for m in cls.metrics) for name, cls in classes.items()}
    used = {camera.cls for camera in registry.by_source(source)}
    used = used or {camera.cls for other in SOURCES for camera in registry.by_source(other)}
    used = used or {name for name, of in labels.items() if of & HAZARDS}
    return frozenset().union(*(labels[name] for name in used))
