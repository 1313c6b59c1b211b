"""The kinds of rules, one file a kind, in one explicit list."""

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from rules.kind import KindSpec
from rules.kinds import missing, night_flow, share, threshold
from rules.rule import RuleShape

KINDS: Mapping[str, KindSpec] = {
    "threshold": threshold.KIND,
    "missing": missing.KIND,
    "night_flow": night_flow.KIND,
    "share": share.KIND,
}

_ANY: Any = reduce(or_, (spec.shape for spec in KINDS.values()))
RULE: TypeAdapter[RuleShape] = TypeAdapter(Annotated[_ANY, Field(discriminator="kind")])
