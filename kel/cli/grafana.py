"""`kel grafana push`: the walls, through Grafana's API."""

import click

from kel.settings import Settings


@click.group()
def grafana() -> None:
    """Walls in Grafana (where they are not provisioned from files)."""


@grafana.command()
@click.option(
    "--database",
    default=None,
    help="where Grafana finds the database, as KEL_DATABASE; else KEL_DATABASE itself",
)
@click.option(
    "--sslmode",
    type=click.Choice(["disable", "require", "verify-ca", "verify-full"]),
    default="require",
    show_default=True,
    help="of Grafana's connection to the database",
)
def push(database: str | None, sslmode: str) -> None:
    """Write data source, folder and dashboards to KEL_GRAFANA_URL; safe to repeat.

    KEL_GRAFANA_TOKEN is the token of a service account with the role Admin. The data source is
    written where KEL_READER_PASSWORD is set, and left as it is elsewhere.
    """
    from grafana.push import Source
    from grafana.push import push as push_to

    settings = Settings()
    token = settings.grafana_token.get_secret_value()
    if not token:
        raise click.ClickException(
            "KEL_GRAFANA_TOKEN is not set: it holds the token of a service account in Grafana"
        )
    password = settings.reader_password.get_secret_value()
    source = Source(database or settings.database, password, sslmode) if password else None
    for line in push_to(settings.grafana_url, token, source):
        click.echo(line)
    if source is None:
        click.echo("KEL_READER_PASSWORD is not set: the data source was left as it is", err=True)
