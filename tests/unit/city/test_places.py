"""A place outside the municipality is told, and whether its numbers are swapped."""

from collections.abc import Callable

import pytest

# file, what stands there, what is written instead, all that `check` then says (… = and so on)
CASES: list[tuple[str, str, str, list[str]]] = [
    (
        "feeders.csv",
        "38.05,23.85,fc",
        "23.85,38.05,fc",
        [
            "feeders.csv:3: lat: 23.85 lies outside the city's box, 38.0 to 38.2; are latitud…",
            "feeders.csv:3: lon: 38.05 lies outside the city's box, 23.7 to 24.0; are latitud…",
        ],
    ),
    (
        "city.toml",
        "lat = 38.1,",
        "lat = 37.9,",
        ["city.toml:5: warehouse.lat: 37.9 lies outside the city's box, 38.0 to 38.2"],
    ),
    (
        "crews.toml",
        "base = { lat = 38.1",
        "base = { lat = 39.1",
        ["crews.toml:8: crew.water.base.lat: 39.1 lies outside the city's box, 38.0 to 38.2"],
    ),
    (
        "zones.geojson",
        "[23.851, 38.151]",
        "[38.151, 23.851]",
        [
            "zones.geojson:6: features.0.geometry.coordinates.0: 38.151 lies outside the city…",
            "zones.geojson:6: features.0.geometry.coordinates.1: 23.851 lies outside the city…",
        ],
    ),
]


@pytest.mark.parametrize("case", CASES)
def test_a_broken_city_is_told(
    breaks: Callable[[str, str, str, list[str]], None], case: tuple[str, str, str, list[str]]
) -> None:
    breaks(*case)
