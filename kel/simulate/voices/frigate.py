"""Frigate: what cameras recognise, as `frigate/events`. Times are float Unix seconds."""

import orjson

from kel.model.moment import SECOND_US
from kel.simulate.fire import Sighting
from kel.simulate.voices import Message

TOPIC = "frigate/events"
BOX = (412, 188, 655, 402)


def event(sighting: Sighting) -> Message:
    """A sighting's new, update or end."""
    after = _object(sighting)
    before = {**after, "frame_time": sighting.starts_us / SECOND_US, "end_time": None}
    body = {"type": sighting.kind, "before": before, "after": after}
    return TOPIC, orjson.dumps(body)


def _object(sighting: Sighting) -> dict[str, object]:
    left, top, right, bottom = BOX
    at = sighting.at_us / SECOND_US
    return {
        "id": sighting.id,
        "camera": sighting.camera,
        "frame_time": at,
        "snapshot": None,
        "label": sighting.label,
        "sub_label": None,
        "top_score": sighting.score,
        "false_positive": False,
        "start_time": sighting.starts_us / SECOND_US,
        "end_time": at if sighting.kind == "end" else None,
        "score": sighting.score,
        "box": list(BOX),
        "area": (right - left) * (bottom - top),
        "ratio": round((right - left) / (bottom - top), 3),
        "region": [320, 100, 740, 520],
        "stationary": False,
        "motionless_count": 0,
        "position_changes": 1,
        "current_zones": [],
        "entered_zones": [],
        "has_snapshot": False,
        "has_clip": False,
    }
