"""The wall's SQL: the named statements of wall.sql, and those that stand in a dashboard."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def queries() -> Mapping[str, str]:
    """The statements of wall.sql by name."""
    parts = NAME.split((files("grafana") / "wall.sql").read_text("utf-8"))[1:]
    return {name: body.strip() for name, body in zip(parts[::2], parts[1::2], strict=True)}


def panel_queries(dashboard: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(panel's title, SQL) of every query of a dashboard, in the order of its panels."""
    return [
        (panel["title"], target["rawSql"])
        for panel in dashboard["panels"]
        for target in panel.get("targets", ())
    ]
