"""The kinds of rules, one file a kind, in one explicit list."""

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from rules.core.kind import KindSpec
from rules.core.rule import RuleShape
from rules.kinds import (
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

KINDS: Mapping[str, KindSpec] = {
    "threshold": threshold.KIND,
    "missing": missing.KIND,
    "night_flow": night_flow.KIND,
    "share": share.KIND,
    "event": event.KIND,
    "composition": composition.KIND,
    "average": average.KIND,
    "rate": rate.KIND,
    "repeated": repeated.KIND,
    "stuck": stuck.KIND,
    "flapping": flapping.KIND,
    "compare": compare.KIND,
    "schedule": schedule.KIND,
    "night_drift": night_drift.KIND,
    "drift": drift.KIND,
    "learned": learned.KIND,
    "pump_health": pump_health.KIND,
    "zone_balance": zone_balance.KIND,
    "leak_signature": leak_signature.KIND,
}

_ANY: Any = reduce(or_, (spec.shape for spec in KINDS.values()))
RULE: TypeAdapter[RuleShape] = TypeAdapter(Annotated[_ANY, Field(discriminator="kind")])
