"""Tables of readings and what is told of them; moments are minutes after midnight."""

from collections.abc import Iterable, Mapping

import pytest

from kel.model.alert import Alert
from kel.model.mistake import MistakesError
from kel.model.moment import to_us
from rules.evaluate import Evaluator
from tests.builders.rules_city import DEVICES, MINUTE, at, city, frame, rulebook

START = at("2026-07-01T00:00")
CITY = city()
Row = tuple[float, int, Mapping[str, float]]  # minute, device number, values
Span = tuple[float, float, float | None]  # started, detected, cleared


def tell(
    rule: Mapping[str, str], cls: str, rows: Iterable[Row], until: int = 1000, start: int = START
) -> list[Alert]:
    """What one frame of rows and a tick at `until` tell, each alert as it was told last."""
    one = Evaluator(rulebook(rule), CITY, DEVICES)
    told = one.frame(frame(cls, [(start + round(t * MINUTE), n, v) for t, n, v in rows]))
    told += one.tick(start + until * MINUTE)
    return list({alert.id: alert for alert in told}.values())


def span(alert: Alert, start: int = START) -> Span:
    started, detected, cleared = (
        (to_us(m) - start) / MINUTE if m else None
        for m in (alert.started_at, alert.detected_at, alert.cleared_at)
    )
    assert started is not None and detected is not None
    return started, detected, cleared


def mistakes(rule: Mapping[str, str]) -> list[str]:
    """Each mistake in a rule as "field: what"."""
    with pytest.raises(MistakesError) as refused:
        rulebook(rule)
    return [f"{m.field.removeprefix('rule.0.')}: {m.what}" for m in refused.value.mistakes]
