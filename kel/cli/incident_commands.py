"""What operators say to one incident: `kel incidents ack | assign | close | …`."""

from collections.abc import Callable
from typing import Any

import click

from kel.cli.asking import ask, city_zone, desk_now, moment_text, numbered

Command = Callable[..., Any]


def _said(command: Command) -> Command:
    """The options of everything that is said: who, and why."""
    why = click.option("--why", default="", help="a word to those who read the history")
    who = click.option("--who", default="", help="who says it; else the user of this terminal")
    return why(who(command))


@click.command("ack")
@click.argument("number", callback=numbered)
@_said
def acknowledge(number: str, why: str, who: str) -> None:
    """Acknowledge incident NUMBER: somebody has seen it and looks after it.

    The history keeps who, when and why. It is the desk that does it: without a running one the
    word waits for it.
    """
    ask("acknowledge", number, why, who)


@click.command("hand-on")
@click.argument("number", callback=numbered)
@click.option("--to", required=True, help="whose it is, such as ΔΕΔΔΗΕ")
@click.option("--protocol", help="the number under which they took it")
@click.option("--ask", "ask_at", required=True, help="when to ask again: 2026-10-25T09:00, 7d")
@_said
def hand_on(number: str, to: str, protocol: str | None, ask_at: str, why: str, who: str) -> None:
    """Hand incident NUMBER on to whom it belongs: nobody is sent, and it asks again on that date.

    `kel incidents assign NUMBER --crew …` takes it back.
    """
    moment = moment_text(ask_at, desk_now(), city_zone(), "--ask")
    ask("hand_on", number, why, who, {"to": to, "protocol": protocol, "ask_at": moment})


@click.command("assign")
@click.argument("number", callback=numbered)
@click.option("--crew", help="the crew's id: the plan sends no other one; any: whichever it finds")
@click.option("--to", "person", help="a person who is responsible")
@_said
def assign(number: str, crew: str | None, person: str | None, why: str, who: str) -> None:
    """Assign incident NUMBER to a crew, or to a person who is responsible for it.

    An order that another crew has and has not arrived for is taken back. `--crew any` lifts what
    was said of crews before, and calls nobody back. What was handed on is ours again by either.
    """
    if (crew is None) == (person is None):
        raise click.UsageError("give either --crew or --to")
    ask("assign", number, why, who, {"crew": crew, "person": person})


@click.command("merge")
@click.argument("number", callback=numbered)
@click.argument("other", callback=numbered)
@click.option("--force", is_flag=True, help="also where the two are of different kinds")
@_said
def merge(number: str, other: str, force: bool, why: str, who: str) -> None:
    """Merge incident OTHER into NUMBER: its alerts and requests go on there, and it closes.

    A crew on its way to OTHER is called back; where one is at work there, it is refused.
    """
    ask("merge", number, why, who, {"other": other, "force": "yes" if force else None})


@click.command("split")
@click.argument("number", callback=numbered)
@click.argument("members", nargs=-1, required=True)
@_said
def split(number: str, members: tuple[str, ...], why: str, who: str) -> None:
    """Split MEMBERS of incident NUMBER off into a new one.

    Members are alerts and requests, by the first digits of their ids as `kel incidents show` prints
    them.
    """
    ask("split", number, why, who, {"members": ",".join(members)})


@click.command("close")
@click.argument("number", callback=numbered)
@click.option("--why", required=True, help="why it is over")
@click.option("--who", default="", help="who says it; else the user of this terminal")
@click.option("--force", is_flag=True, help="also while alerts are active; they are then dismissed")
def close(number: str, why: str, who: str, force: bool) -> None:
    """Close incident NUMBER by hand."""
    ask("close", number, why, who, {"force": "yes" if force else None})


@click.command("complete")
@click.argument("number", callback=numbered)
@click.option("--used", multiple=True, help="material and quantity: sand=4, diesel=12,5; repeat it")
@click.option("--why", required=True, help="who said so, and how")
@click.option("--who", default="", help="who says it; else the user of this terminal")
@click.option("--force", is_flag=True, help="also a quantity that can hardly be true")
def complete(number: str, used: tuple[str, ...], why: str, who: str, force: bool) -> None:
    """Complete the open order of incident NUMBER on behalf of its crew.

    Of its materials what --used says is booked as used, for good; the rest is free again. More than
    three times what was planned, or than van and warehouse hold, is refused without --force.
    """
    forced = "yes" if force else None
    ask("complete", number, why, who, {"used": ",".join(used), "force": forced})


@click.command("withdraw")
@click.argument("number", callback=numbered)
@click.option("--why", required=True, help="why it is taken back")
@click.option("--who", default="", help="who says it; else the user of this terminal")
def withdraw(number: str, why: str, who: str) -> None:
    """Take back the open order of incident NUMBER, before its crew has arrived.

    The crew is told, and is not asked again at once.
    """
    ask("withdraw", number, why, who)


COMMANDS = (acknowledge, hand_on, assign, merge, split, close, complete, withdraw)
