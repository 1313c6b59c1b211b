"""What an operator's word to an incident takes back: told with its answer. Pure.

Law: the words name just those orders that `dispatch` will take back for it.
"""

from collections.abc import Callable
from uuid import UUID

from kel.model.alert import Severity
from kel.model.incident import Incident
from kel.model.labels import ORDER_LABEL
from kel.model.order import OrderState, WorkOrder
from rules.incidents.describe import OTHER, category_of
from rules.incidents.refused import RefusedError
from rules.incidents.topology import related
from rules.incidents.work import Work

ON_THE_WAY = frozenset({OrderState.SENT, OrderState.ACCEPTED})


def called_back(
    work: Work, incident: UUID, which: Callable[[WorkOrder], bool] = lambda _: True
) -> str:
    """« · αποσύρεται η Ε-2026-0007: Ύδρευση 2, καθ’ οδόν» for each; empty where there is none."""
    orders = (o for o in work.situation.orders_of(incident) if o.state in ON_THE_WAY and which(o))
    told = ""
    for order in sorted(orders, key=lambda o: o.attempt):
        crew = work.city.crews.get(order.crew)
        name = crew.name if crew else order.crew
        told += f" · αποσύρεται η {order.number}: {name}, {ORDER_LABEL[order.state]}"
    return told


def turned_by(incident: Incident) -> Callable[[WorkOrder], bool]:
    """Which orders are not for what the incident has become."""
    severe = incident.severity >= Severity.HIGH
    return lambda o: o.category != incident.category and (severe or o.state is OrderState.SENT)


def same_kind(work: Work, incident: Incident, other: Incident) -> None:
    """Refuse to make one of two that have nothing in common, such as a burst and a fire.

    What nobody knows the kind of goes with everything.
    """
    own, theirs = (category_of(work.city, i.category) for i in (incident, other))
    families = {own.family, theirs.family}
    if len(families) == 1 or OTHER in families or related(own, theirs) or related(theirs, own):
        return
    raise RefusedError(
        f"το {other.number} είναι άλλο πράγμα ({theirs.label}) από το {incident.number} "
        f"({own.label})· με --force ενώνονται"
    )
