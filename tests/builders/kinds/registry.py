"""Cases and plain references of the kinds of rules, one file a kind, in one explicit list."""

from collections.abc import Mapping

from tests.builders.kinds import (
    average,
    compare,
    composition,
    drift,
    event,
    flapping,
    leak_signature,
    learned,
    missing,
    night_drift,
    night_flow,
    pump_health,
    rate,
    repeated,
    schedule,
    share,
    stuck,
    threshold,
    zone_balance,
)
from tests.builders.kinds.case import Build, Case

_KINDS = {
    "threshold": threshold,
    "missing": missing,
    "night_flow": night_flow,
    "share": share,
    "event": event,
    "composition": composition,
    "average": average,
    "rate": rate,
    "repeated": repeated,
    "stuck": stuck,
    "flapping": flapping,
    "compare": compare,
    "schedule": schedule,
    "drift": drift,
    "learned": learned,
    "night_drift": night_drift,
    "pump_health": pump_health,
    "zone_balance": zone_balance,
    "leak_signature": leak_signature,
}
CASES: Mapping[str, Case] = {name: c for kind in _KINDS.values() for name, c in kind.CASES.items()}
BUILDS: Mapping[str, Build] = {name: kind.BUILD for name, kind in _KINDS.items()}
