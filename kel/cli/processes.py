"""`kel bridge | worker | desk`: the processes, as long as they run."""

import click

from kel.run.cityfolder import CityFolder
from kel.settings import Settings


@click.command()
@click.option("--name", help="Where there are several bridges, each has a name (KEL_BRIDGE).")
@click.option(
    "--filter", "filters", multiple=True, help="Topics to hear; repeatable (KEL_FILTERS)."
)
def bridge(name: str | None, filters: tuple[str, ...]) -> None:
    """From MQTT to Kafka; acknowledges a message when Kafka has it."""
    from kel.run.bridge import main

    given = {"bridge": name, "filters": filters}
    settings = Settings.model_validate({key: value for key, value in given.items() if value})
    folder = CityFolder(settings)
    main(settings, folder.begin().city, folder)


@click.command()
def worker() -> None:
    """From Kafka through decoders and rules into the database; as many as wanted."""
    from kel.run.faust_app import main

    settings = Settings()
    folder = CityFolder(settings)
    main(settings, folder.begin(), folder)


@click.command()
def desk() -> None:
    """Incidents, plan, orders and costs; one decides, others wait to take over."""
    from kel.run.desk import main

    settings = Settings()
    folder = CityFolder(settings)
    main(settings, folder.begin().city, folder)
