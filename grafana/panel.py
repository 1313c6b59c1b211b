"""What every panel has: its place, its words, its queries."""

from dataclasses import dataclass

from grafana.look import Json
from grafana.queries import queries

DATASOURCE: Json = {"type": "grafana-postgresql-datasource", "uid": "kel"}


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a panel stands: columns (of 24) and rows (of 30 px, 8 px apart)."""

    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True, slots=True)
class About:
    """A panel's stable id (links and annotations hold on to it), title, and what it tells."""

    id: int
    title: str
    description: str
    queries: tuple[str, ...]  # names in wall.sql


def panel(kind: str, about: About, spot: Spot, options: Json, fields: Json) -> Json:
    """A panel of the classic dashboard model; `fields` is its fieldConfig."""
    return {
        "id": about.id,
        "type": kind,
        "title": about.title,
        "description": about.description,
        "gridPos": {"x": spot.x, "y": spot.y, "w": spot.w, "h": spot.h},
        "datasource": DATASOURCE,
        "targets": [_target(name, ref) for name, ref in zip(about.queries, "ABCD", strict=False)],
        "options": options,
        "fieldConfig": {"defaults": {}, "overrides": [], **fields},
        "transparent": False,
    }


def override(column: str, **properties: object) -> Json:
    """What holds for one column only; a property's dots are written as __."""
    return {
        "matcher": {"id": "byName", "options": column},
        "properties": [
            {"id": name.replace("__", "."), "value": value} for name, value in properties.items()
        ],
    }


def _target(name: str, ref: str) -> Json:
    return {
        "refId": ref,
        "datasource": DATASOURCE,
        "editorMode": "code",
        "format": "table",
        "rawQuery": True,
        "rawSql": queries()[name],
    }
