"""What was: citizens' requests, operators' silences, closed incidents' costs and their numbers."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from uuid import UUID

from psycopg import Connection

from kel.backtest.prices import Settled
from kel.model.cost import CostKind
from kel.model.request import Request
from kel.model.silence import Silence
from kel.store.connect import query
from kel.store.rows import request_of, silence_of


def past_requests(connection: Connection, since: datetime, until: datetime) -> list[Request]:
    """The requests that arrived in [since, until), in their order."""
    return [request_of(row) for row in connection.execute(query("past_requests"), [since, until])]


def past_silences(connection: Connection, since: datetime, until: datetime) -> list[Silence]:
    """What operators had silenced in [since, until): each until it was over, or lifted."""
    rows = connection.execute(query("past_silences"), {"since": since, "until": until}).fetchall()
    found = map(silence_of, rows)
    return [
        replace(s, ends_at=min(s.ends_at, s.ended_at or s.ends_at), ended_at=None) for s in found
    ]


def past_settled(connection: Connection) -> list[Settled]:
    """Every closed incident that a crew worked on, with the sums of its cost entries."""
    rows = connection.execute(query("past_settled")).fetchall()
    found = []
    for (_, category, lasted, took), kinds in groupby(rows, key=lambda row: row[:4]):
        amounts: dict[CostKind, Decimal] = {}
        quantities: dict[CostKind, Decimal] = {}
        for *_, kind, amount, quantity in kinds:
            amounts[CostKind(kind)] = amount
            quantities[CostKind(kind)] = quantity or Decimal(0)
        found.append(Settled(category, max(lasted, timedelta(0)), took, amounts, quantities))
    return found


def past_numbers(connection: Connection, since: datetime, until: datetime) -> dict[UUID, str]:
    """Alert or request → the number of the incident that it became, of those opened in the span."""
    rows = connection.execute(query("past_numbers"), [since, until]).fetchall()
    return {sign: number for number, *signs in rows for some in signs for sign in some}
