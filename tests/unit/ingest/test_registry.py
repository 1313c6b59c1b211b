import pytest

from tests.builders import ingest_city as city


def test_finds_a_device_by_the_format_it_speaks_and_its_address() -> None:
    registry = city.registry()
    found = registry.find("chirpstack", city.DEV_EUI)
    assert found is not None
    assert found is registry.by_id("ls-01")
    assert found.number == 31


@pytest.mark.parametrize(
    ("source", "address"), [("kel", city.DEV_EUI), ("kel", "la-01-001"), ("none", "zm-01")]
)
def test_an_address_of_another_format_finds_nothing(source: str, address: str) -> None:
    assert city.registry().find(source, address) is None


def test_a_kel_device_is_found_by_its_id_whatever_its_address() -> None:
    registry = city.registry(city.device(99, "zm-50", "zone", address="stamata/zm-50"))
    found = registry.by_id("zm-50")
    assert found is registry.find("kel", "zm-50") is registry.find("kel", "stamata/zm-50")


@pytest.mark.parametrize(
    "twin",
    [
        city.device(99, "zm-01", "zone", address="x"),
        city.device(21, "zm-50", "zone"),
        city.device(99, "zm-50", "zone", address="zm-01"),
    ],
)
def test_two_devices_never_share_an_identity(twin: object) -> None:
    with pytest.raises(ValueError, match="zm-01 and zm-"):
        city.registry(twin)  # type: ignore[arg-type]


def test_communities_are_those_of_the_devices_unless_given() -> None:
    assert city.registry().communities == {"stamata", "drosia"}
    assert city.Registry(city.DEVICES, ["anoixi"]).communities == {"anoixi"}
