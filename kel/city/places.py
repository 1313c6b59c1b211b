"""Places lie inside the municipality's box. Pure: entries in, mistakes out."""

from collections.abc import Iterator
from typing import Any

from kel.city.files import Files
from kel.city.records import Found
from kel.model.mistake import Mistake, Path


def check_places(files: Files) -> Iterator[Mistake]:
    """Every latitude and longitude outside the box of `city.toml`."""
    if files.city is None:
        return
    box = files.city.entry.box
    for found, lat, lon, lat_field, lon_field in _all_places(files):
        swapped = "; are latitude and longitude swapped?" if box.holds(lon, lat) else ""
        if not box.south <= lat <= box.north:
            what = f"{lat} lies outside the city's box, {box.south} to {box.north}{swapped}"
            yield found.record.mistake(lat_field, what)
        if not box.west <= lon <= box.east:
            what = f"{lon} lies outside the city's box, {box.west} to {box.east}{swapped}"
            yield found.record.mistake(lon_field, what)


def _all_places(files: Files) -> Iterator[tuple[Found[Any], float, float, Path, Path]]:
    """Every place in the files: latitude, longitude, and the fields that they stand in."""
    if files.city:
        warehouse = files.city.entry.warehouse
        at = "warehouse"
        yield files.city, warehouse.lat, warehouse.lon, (at, "lat"), (at, "lon")
    plain: list[Found[Any]] = [*files.communities.found, *files.feeders.found, *files.all_devices]
    for f in plain:
        yield f, f.entry.lat, f.entry.lon, ("lat",), ("lon",)
    for zone in files.zones.found:
        lon, lat = zone.entry.geometry.coordinates
        pair = ("geometry", "coordinates")
        yield zone, lat, lon, (*pair, 1), (*pair, 0)
    for crew in files.crews.found:
        base = crew.entry.base
        yield crew, base.lat, base.lon, ("base", "lat"), ("base", "lon")
