"""`kel bridge | worker | desk`: the processes, as long as they run."""

import click

from kel.run.cityfiles import load_city_files
from kel.settings import Settings


@click.command()
def bridge() -> None:
    """From MQTT to Kafka; acknowledges a message when Kafka has it."""
    from kel.run.bridge import main

    settings = Settings()
    main(settings, load_city_files(settings).city)


@click.command()
def worker() -> None:
    """From Kafka through decoders and rules into the database; as many as wanted."""
    from kel.run.worker import main

    settings = Settings()
    main(settings, load_city_files(settings))


@click.command()
def desk() -> None:
    """Incidents, plan, orders and costs; one decides, others wait to take over."""
    from kel.run.desk import main

    settings = Settings()
    main(settings, load_city_files(settings).city)
