"""Every word that a person may read has its Greek."""

import pytest

from kel.model import labels
from kel.model.alert import Severity
from kel.model.cost import CostKind, CostNature
from kel.model.incident import IncidentState
from kel.model.order import OrderState


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (Severity, labels.SEVERITY_LABEL),
        (IncidentState, labels.STATE_LABEL),
        (OrderState, labels.ORDER_LABEL),
        (CostKind, labels.KIND_LABEL),
        (CostNature, labels.NATURE_LABEL),
    ],
)
def test_every_member_has_one_label_of_its_own(words, told):
    assert list(told) == list(words)
    assert len(set(told.values())) == len(words)
    assert all(label.strip() for label in told.values())
