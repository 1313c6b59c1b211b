"""`kel runbook [NAME]`: what an operator does first, as the city's `runbook.md` says."""

import click

from kel.settings import Settings


@click.command()
@click.argument("name", required=False)
def runbook(name: str | None) -> None:
    """The headings of the city's runbook; or what heading NAME says.

    Reads that one file of the city's folder: also while others have mistakes.
    """
    from kel.city.runbook import FILE, read_runbook

    folder = Settings().city
    found, mistakes = read_runbook(folder)
    for mistake in mistakes:
        click.echo(str(mistake), err=True)
    if not found:
        raise click.ClickException(f"η πόλη δεν έχει οδηγό χειριστή: {folder / FILE}")
    if name is None:
        for heading in found.values():
            click.echo(f"{heading.id:<{max(map(len, found))}}  {heading.title}")
        return
    if name not in found:
        raise click.ClickException(f"ο οδηγός δεν έχει «{name}»: δείτε `kel runbook`")
    click.echo(f"{found[name].title}\n\n{found[name].text}")
