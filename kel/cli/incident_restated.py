"""`kel incidents restated`: what late readings say that should have been decided."""

import json

import click

from kel.cli.asking import city_zone


@click.command("restated")
@click.option("--most", default=50, show_default=True, help="how many at the most")
@click.option("--json", "as_json", is_flag=True, help="one JSON list, times in UTC")
def restated(most: int, as_json: bool) -> None:
    """What readings that came late would have changed, the newest first.

    The decisions stand as they were made; `kel maintain` looks at late readings every night.
    """
    from kel.cli.database import some_connection
    from kel.store.connect import query

    with some_connection() as connection:
        found = connection.execute(query("list_restated"), [most]).fetchall()
    if as_json:
        names = ("at", "incident", "rule", "device", "was", "became", "readings", "why")
        told = [dict(zip(names, row, strict=True)) for row in found]
        click.echo(json.dumps(told, ensure_ascii=False, default=lambda at: at.isoformat()))
        return
    zone = city_zone()
    for at, number, *_, why in found:
        click.echo(f"{at.astimezone(zone):%d/%m/%Y %H:%M}  {number or '—':<10} {why}")
    if not found:
        click.echo("καμία απόφαση δεν κρίθηκε ξανά", err=True)
