"""Bars, columns by the hour, and the map."""

from grafana.look import Json
from grafana.panel import About, Spot, panel


def bars(about: About, spot: Spot, *, thresholds: Json, unit: str, highest: float) -> Json:
    """A horizontal bar a row of the query: its text above the bar, its value at the end."""
    options: Json = {
        "reduceOptions": {"values": True, "calcs": ["lastNotNull"], "fields": "", "limit": 25},
        "orientation": "horizontal",
        "displayMode": "basic",
        "valueMode": "color",
        "namePlacement": "top",
        "showUnfilled": True,
        "sizing": "auto",
        "minVizHeight": 16,
        "minVizWidth": 8,
        "maxVizHeight": 300,
        "text": {"titleSize": 16, "valueSize": 20},
    }
    defaults: Json = {
        "unit": unit,
        "decimals": 0,
        "min": 0,
        "max": highest,
        "color": {"mode": "thresholds"},
        "thresholds": thresholds,
        "mappings": [],
    }
    return panel("bargauge", about, spot, options, {"defaults": defaults})


def columns(
    about: About, spot: Spot, *, x: str, thresholds: Json, overrides: tuple[Json, ...]
) -> Json:
    """Columns along the text column `x`; thresholds are drawn as dashed lines too."""
    options: Json = {
        "xField": x,
        "orientation": "vertical",
        "stacking": "none",
        "showValue": "auto",
        "groupWidth": 0.8,
        "barWidth": 0.95,
        "barRadius": 0,
        "fullHighlight": False,
        "xTickLabelRotation": 0,
        "xTickLabelSpacing": 0,
        "text": {"valueSize": 16},
        "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []},
        "tooltip": {"mode": "none", "sort": "none"},
    }
    defaults: Json = {
        "unit": "none",
        "decimals": 0,
        "min": 0,
        "color": {"mode": "thresholds"},
        "thresholds": thresholds,
        "mappings": [],
        "custom": {
            "fillOpacity": 90,
            "lineWidth": 0,
            "gradientMode": "none",
            "axisPlacement": "auto",
            "axisSoftMax": 12,
            "thresholdsStyle": {"mode": "dashed"},
        },
    }
    return panel(
        "barchart", about, spot, options, {"defaults": defaults, "overrides": list(overrides)}
    )


def geomap(about: About, spot: Spot, *, thresholds: Json) -> Json:
    """Markers of query A, coloured and sized by its `severity`; names of query B.

    The view fits what both queries return: it is right for every city, with no incident too. The
    ground is drawn from the internet; where there is none, markers and names stand on plain dark.
    """
    options: Json = {
        "view": {"id": "fit", "allLayers": True, "lat": 0, "lon": 0, "zoom": 14, "padding": 10},
        "basemap": {
            "type": "carto",
            "name": "Χάρτης",
            "config": {"theme": "dark", "showLabels": False},
        },
        "controls": {
            "mouseWheelZoom": False,
            "showAttribution": True,
            "showDebug": False,
            "showMeasure": False,
            "showScale": False,
            "showZoom": False,
        },
        "tooltip": {"mode": "none"},
        "layers": [
            _layer("Κοινότητες", "B", _style(3, "#8e8e8e", text="name")),
            _layer("Συμβάντα", "A", _incident_style()),
        ],
    }
    defaults: Json = {
        "color": {"mode": "thresholds"},
        "thresholds": thresholds,
        "mappings": [],
        "min": 0,
        "max": 4,
        "custom": {"hideFrom": {"legend": False, "tooltip": False, "viz": False}},
    }
    return panel("geomap", about, spot, options, {"defaults": defaults})


def _layer(name: str, query: str, style: Json) -> Json:
    return {
        "type": "markers",
        "name": name,
        "tooltip": False,
        "filterData": {"id": "byRefId", "options": query},
        "location": {"mode": "coords", "latitude": "lat", "longitude": "lon"},
        "config": {"showLegend": False, "style": style},
    }


def _incident_style() -> Json:
    style = _style(14, "#ffffff", text="number")
    style["color"] = {"field": "severity", "fixed": "#ffffff"}
    style["size"] = {"field": "severity", "fixed": 14, "min": 10, "max": 20}
    return style


def _style(size: int, colour: str, *, text: str) -> Json:
    return {
        "color": {"fixed": colour},
        "opacity": 0.9,
        "rotation": {"fixed": 0, "min": -360, "max": 360, "mode": "mod"},
        "size": {"fixed": size, "min": 2, "max": 20},
        "symbol": {"fixed": "img/icons/marker/circle.svg", "mode": "fixed"},
        "symbolAlign": {"horizontal": "center", "vertical": "center"},
        "text": {"field": text, "fixed": "", "mode": "field"},
        "textConfig": {
            "fontSize": 14,
            "offsetX": 0,
            "offsetY": 18,
            "textAlign": "center",
            "textBaseline": "middle",
        },
    }
