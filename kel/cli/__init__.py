"""The command line: `kel COMMAND`. One file a group of commands, each loaded only when called.

Laws:
- an error that a person can mend is one clear line on stderr and exit code 1, never a traceback;
- Ctrl-C and SIGTERM unwind: what a command started has ended when it ends (130, 143);
- what a program reads (`--json`) goes to stdout, all else to stderr;
- the overview loads no command: what each is for stands here.
"""

import gc
import logging
import os
import signal
import sys
from collections.abc import Mapping
from importlib import import_module
from types import FrameType
from typing import ClassVar

import click

# After how many new objects Python looks for cycles. At its own 700 a fifth of the time goes into
# that where many alerts fire: they are kept, and in no cycle.
COLLECT = 5_000

COMMANDS = {
    "demo": ("kel.cli.demo:demo", "play a day of the example city through the whole line"),
    "up": ("kel.cli.demo:up", "start parts and processes on this machine, on its clock"),
    "bridge": ("kel.cli.processes:bridge", "the process from MQTT to Kafka"),
    "worker": ("kel.cli.processes:worker", "the process from Kafka to the database"),
    "desk": ("kel.cli.processes:desk", "the process from alerts to crews' orders"),
    "check": ("kel.cli.city:check", "name every mistake in a city's folder"),
    "load": ("kel.cli.city:load", "bring the city's folder into the database"),
    "migrate": ("kel.cli.store:migrate", "bring the database's schema up to date"),
    "maintain": ("kel.cli.store:maintain", "roll up hours, drop what is too old"),
    "doctor": ("kel.cli.doctor:doctor", "look for what is wrong with this installation"),
    "grafana": ("kel.cli.grafana:grafana", "push the walls to Grafana"),
    "health": ("kel.cli.health:health", "is a process still at its work?"),
    "devices": ("kel.cli.devices:devices", "list, adopt, retire, import, export devices"),
    "rejected": ("kel.cli.rejected:rejected", "what was refused, and giving it in again"),
    "rules": ("kel.cli.rules:rules", "the rulebook: its tests, load and versions"),
    "incidents": ("kel.cli.incidents:incidents", "list incidents, say something to them, silence"),
    "runbook": ("kel.cli.runbook:runbook", "what an operator does first, by heading"),
    "backtest": ("kel.cli.backtest:backtest", "what rules make of history, and its price"),
    "report": ("kel.cli.report:report", "write the mayor's page of a week"),
    "trace": ("kel.cli.trace:trace", "from a euro back to the readings"),
}


class LazyGroup(click.Group):
    """Loads a command's module when the command is called: `kel check` loads no faust."""

    table: ClassVar[Mapping[str, tuple[str, str]]] = COMMANDS

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(self.table)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.table:
            return None
        module, attribute = self.table[name][0].split(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, told) for name, (_, told) in self.table.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kel")
def kel() -> None:
    """The operations centre of a city: from a sensor's reading to a crew's order and its cost."""


class EndedError(BaseException):
    """SIGTERM came: not an error that anybody on the way may catch."""


def main() -> None:
    """The console script."""
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO,
        format="%(asctime)s %(name)s %(levelname)s %(message)s",
    )
    signal.signal(signal.SIGTERM, _end)
    gc.set_threshold(COLLECT)
    sys.exit(run())


def _end(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough: let it tidy up
    raise EndedError


def run() -> int:
    """Run the command of `sys.argv`; returns the exit code."""
    try:
        code = kel(standalone_mode=False)  # click returns the code of an Exit
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _told("interrupted; what it had started has ended", 130)
    except EndedError:
        return _told("told to end; what it had started has ended", 143)
    except BrokenPipeError:  # `kel … | head`: who reads has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except mendable() as error:
        if isinstance(error, (KeyError, IndexError, UnicodeError)):
            raise  # a mistake of ours, and their text alone would tell nobody anything
        return _told(told(error), 1)


def _told(text: str, code: int) -> int:
    click.echo(f"kel: {text}", err=True)
    return code


def told(error: Exception) -> str:
    """The error as a person should read it; settings by the names of their variables."""
    pydantic = sys.modules.get("pydantic")
    if pydantic and isinstance(error, pydantic.ValidationError) and error.title == "Settings":
        return "; ".join(
            f"KEL_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors()
        )
    text = str(error).strip() or type(error).__name__
    if type(error).__name__ == "UndefinedTable":
        text = f"{text.splitlines()[0]}: run `kel migrate` on this database first"
    return text


def mendable() -> tuple[type[Exception], ...]:
    """Errors whose text tells a person what to do. Loaded late: they live beside their edges."""
    found: list[type[Exception]] = [LookupError, OSError, ValueError]
    for name, attribute in (
        ("kel.stack.child", "PartError"),
        ("kel.store.migrate", "ChangedMigrationError"),
        ("kel.run.play", "StalledError"),
        ("psycopg", "OperationalError"),
        ("psycopg.errors", "InsufficientPrivilege"),
        ("psycopg.errors", "UndefinedTable"),
    ):
        if name in sys.modules:
            found.append(getattr(sys.modules[name], attribute))
    return tuple(found)
