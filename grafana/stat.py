"""Stat panels: big numbers, and lists whose rows are coloured.

A table's letters have one size, 14 px, which nobody reads from across a room; a stat panel that
shows all rows takes any size. Where a row has one text column and one number, the text is its
title and the number, by its mapping, the word and the colour.
"""

from grafana.look import Json
from grafana.panel import About, Spot, panel

Fields = Json


def numbers(
    about: About,
    spot: Spot,
    *,
    thresholds: Json,
    unit: str = "none",
    size: int = 64,
    title_size: int = 18,
    overrides: tuple[Json, ...] = (),
    texts: bool = False,
    solid: bool = True,
    upright: bool = False,
) -> Json:
    """One big number (or text) a column, titled by the column. `upright` puts them in a column."""
    options = _options(size, title_size, values=False)
    options["colorMode"] = "background_solid" if solid else "value"
    options["orientation"] = "horizontal" if upright else "vertical"
    options["reduceOptions"]["fields"] = "/.*/" if texts else ""
    fields = _fields(thresholds, unit)
    fields["overrides"] = list(overrides)
    return panel("stat", about, spot, options, fields)


def rows(
    about: About,
    spot: Spot,
    *,
    mappings: list[Json],
    thresholds: Json,
    size: int = 18,
    title_size: int = 18,
    wide: bool = True,
) -> Json:
    """A list: each row as wide as the panel. Its number's word stands right of its text where
    `wide`, below it elsewhere."""
    options = _options(size, title_size, values=True)
    options["colorMode"] = "background_solid"
    options["orientation"] = "horizontal"
    options["wideLayout"] = wide
    fields = _fields(thresholds, "none")
    fields["defaults"]["mappings"] = mappings
    return panel("stat", about, spot, options, fields)


def tiles(
    about: About,
    spot: Spot,
    *,
    mappings: list[Json],
    thresholds: Json,
    unit: str,
    size: int = 24,
    title_size: int = 14,
) -> Json:
    """A grid of small tiles, one a row of the query."""
    options = _options(size, title_size, values=True)
    options["colorMode"] = "background_solid"
    options["orientation"] = "auto"
    fields = _fields(thresholds, unit)
    fields["defaults"]["mappings"] = mappings
    return panel("stat", about, spot, options, fields)


def _options(size: int, title_size: int, *, values: bool) -> Json:
    return {
        "reduceOptions": {"values": values, "calcs": ["lastNotNull"], "fields": "", "limit": 25},
        "textMode": "value_and_name",
        "text": {"titleSize": title_size, "valueSize": size},
        "graphMode": "none",
        "justifyMode": "auto",
        "wideLayout": False,
        "showPercentChange": False,
    }


def _fields(thresholds: Json, unit: str) -> Fields:
    return {
        "defaults": {
            "unit": unit,
            "decimals": 0,
            "color": {"mode": "thresholds"},
            "thresholds": thresholds,
            "mappings": [],
            "noValue": "—",
        },
        "overrides": [],
    }
