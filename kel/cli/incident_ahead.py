"""What happens next to an incident by itself, in sentences. Greek. Pure."""

from collections.abc import Iterator

from kel.cli.incident_sight import Sight
from kel.model.incident import IncidentState
from kel.model.labels import EVENT_LABEL, clock
from kel.model.order import OPEN_ORDER
from rules.incidents.ahead import Next


def coming(sight: Sight) -> Iterator[str]:
    """A line for each thing that time alone brings; or for whom it waits."""
    if sight.incident.state is IncidentState.CLOSED:
        return
    told = [t for n in sight.ahead if (t := _sentence(sight, n))]
    waits, planned = (sight.last.get(word) for word in ("unplanned", "planned"))
    ours = sight.incident.handed is None  # what is with others waits for no crew of ours
    if ours and waits and (planned is None or planned[0] < waits[0]):
        told.append(f"χωρίς εντολή ακόμη: {waits[2]}")
    yield from told or ([] if sight.mistake else [_waits(sight)])


def _sentence(sight: Sight, due: Next) -> str:
    who, handed = ", ".join(due.who), sight.incident.handed
    crew, rung = ", ".join(due.who[:1]), ", ".join(due.who[1:])
    rings = f" και καλείται {rung}" if rung else ""
    what = {
        "called": f"καλείται {who}, αν ως τότε δεν το αναγνωρίσει κανείς",
        "expired": f"λήγει η εντολή, αν δεν απαντήσει το συνεργείο {who}",
        "overdue": f"έχει αργήσει το συνεργείο {crew}, αν δεν έχει τελειώσει{rings}",
        "part_done": f"τελειώνει το μέρος του συνεργείου {crew}, αν δεν δηλώσει τίποτα",
        "still_active": "ανοίγει ξανά, αν δεν έχουν συμφωνήσει οι αισθητήρες",
        "verified": "επαληθεύεται, αν μείνουν ήσυχοι οι αισθητήρες",
        "closed": "κλείνει, αν μείνει ήσυχο",
        "spoke": "γίνεται δικό της συμβάν ό,τι η αιτία του πέρασε και μένει ενεργό",
        "ask_again": f"να ερωτηθεί ξανά: {handed.to if handed else ''}",
        "silent": f"ως τότε η σίγαση {who} κρύβει όσες ίδιες ειδοποιήσεις έρθουν",
    }.get(due.what, EVENT_LABEL.get(due.what, ""))
    return f"{clock(due.at, sight.zone)} {what}" if what else ""


def _waits(sight: Sight) -> str:
    if any(order[2] in OPEN_ORDER for order in sight.orders):
        return "τίποτα μόνο του: περιμένει το συνεργείο"
    if sight.incident.handed is not None:
        return "τίποτα μόνο του: περιμένει χειριστή"
    return "τίποτα μόνο του: περιμένει χειριστή ή εντολή"
