"""The command line: `kel COMMAND`. One file a group of commands, each loaded only when called.

Laws:
- an error that a person can mend is one clear line on stderr and exit code 1, never a traceback;
- what a program reads (`--json`) goes to stdout, all else to stderr.
"""

import logging
import sys
from importlib import import_module

import click

COMMANDS = {
    "demo": "kel.cli.demo:demo",
    "up": "kel.cli.demo:up",
    "bridge": "kel.cli.processes:bridge",
    "worker": "kel.cli.processes:worker",
    "desk": "kel.cli.processes:desk",
    "check": "kel.cli.city:check",
    "load": "kel.cli.city:load",
    "migrate": "kel.cli.store:migrate",
    "maintain": "kel.cli.store:maintain",
    "doctor": "kel.cli.doctor:doctor",
    "grafana": "kel.cli.grafana:grafana",
    "health": "kel.cli.health:health",
    "incidents": "kel.cli.incidents:incidents",
    "report": "kel.cli.report:report",
    "trace": "kel.cli.trace:trace",
}


class LazyGroup(click.Group):
    """Loads a command's module when the command is called: `kel check` loads no faust."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name].split(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kel")
def kel() -> None:
    """The operations centre of a city: from a sensor's reading to a crew's order and its cost."""


def main() -> None:
    """The console script."""
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO,
        format="%(asctime)s %(name)s %(levelname)s %(message)s",
    )
    try:
        kel(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("kel: interrupted", err=True)
        sys.exit(130)
    except mendable() as error:
        click.echo(f"kel: {error}", err=True)
        sys.exit(1)


def mendable() -> tuple[type[Exception], ...]:
    """Errors whose text tells a person what to do. Loaded late: they live beside their edges."""
    found: list[type[Exception]] = [LookupError, ConnectionError, ValueError]
    for name, attribute in (
        ("kel.stack.child", "PartError"),
        ("kel.store.migrate", "ChangedMigrationError"),
        ("psycopg", "OperationalError"),
    ):
        if name in sys.modules:
            found.append(getattr(sys.modules[name], attribute))
    return tuple(found)
