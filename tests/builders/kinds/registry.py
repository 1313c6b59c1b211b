"""Cases and plain references of the kinds of rules, one file a kind, in one explicit list."""

from collections.abc import Mapping

from tests.builders.kinds import missing, night_flow, share, threshold
from tests.builders.kinds.case import Build, Case

_KINDS = {
    "threshold": threshold,
    "missing": missing,
    "night_flow": night_flow,
    "share": share,
}
CASES: Mapping[str, Case] = {name: c for kind in _KINDS.values() for name, c in kind.CASES.items()}
BUILDS: Mapping[str, Build] = {name: kind.BUILD for name, kind in _KINDS.items()}
