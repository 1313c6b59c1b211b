"""What evidence says of a limit, in the same words for every kind."""

from rules.core.rule import Limit


def limit_facts(limit: Limit, unit: str) -> dict[str, float | str]:
    """Its side, its number and the unit of that."""
    above = limit.above is not None
    number = limit.above if above else limit.below
    return {"side": "above" if above else "below", "limit": float(number or 0.0), "unit": unit}
