"""The store as the desk sees it: the situation, what waits, and one transaction a decision.

Laws:
- one desk is active: it holds an advisory lock for as long as its connection lives;
- stock rows are locked and compared with what the decision was made on: where somebody changed
  them meanwhile, nothing is written and the desk decides again;
- what was taken from the inbox, what was decided and what goes out commit together.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from psycopg import Connection, Cursor
from psycopg.types.json import Jsonb

from kel.model.alert import Alert
from kel.model.incident import ACTIVE
from kel.model.order import AWAITED_FOR, OrderItem, Outgoing
from kel.model.place import Point
from kel.model.silence import Hidden
from kel.model.situation import Changes, Command, Inputs, Situation, Waiting, Whereabouts
from kel.model.stock import Reservation, Stock
from kel.store import rows
from kel.store.connect import query
from kel.store.rejects import put_rejects

LOCK = 0x6B656C02
Word = TypeVar("Word")


class StaleError(RuntimeError):
    """The stock is not as it was when the plan was made: load the situation and decide again."""


class DeskStore:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lead(self) -> bool:
        """Become the one active desk, or learn that another is."""
        row = self._connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()
        return bool(row and row[0])

    def watermark(self, topic: str, partitions: int) -> datetime | None:
        """The time that every partition has come to, or None while one has not begun."""
        with self._connection.transaction():
            row = self._connection.execute(query("watermark"), [topic, partitions]).fetchone()
        return row[0] if row else None

    def clock(self) -> datetime | None:
        """The time that the desk has decided up to."""
        with self._connection.transaction():
            row = self._connection.execute(query("desk_clock")).fetchone()
        return row[0] if row else None

    def situation(self) -> Situation:
        """All that is going on, as the desk knew it when it last decided."""
        with self._connection.transaction(), self._connection.cursor() as cursor:
            return _situation(cursor)

    def inputs(self, now: datetime) -> Inputs:
        """What waits for the desk up to `now`."""
        with self._connection.transaction(), self._connection.cursor() as cursor:
            waiting = cursor.execute(query("waiting"), [now]).fetchall()
            refs: dict[str, list[UUID]] = {}
            for word, ref in waiting:
                refs.setdefault(word, []).append(ref)
            return Inputs(
                now=now,
                alerts=_alerts(cursor, waiting),
                requests=_in_order(cursor, "requests", refs.get("request", []), rows.request_of),
                replies=_in_order(cursor, "replies", refs.get("reply", []), rows.reply_of),
                commands=_in_order(
                    cursor, "commands", refs.get("command", []), lambda r: Command(*r)
                ),
                taken=tuple(waiting),
            )

    def commit(
        self,
        now: datetime,
        changes: Changes,
        before: Situation,
        taken: Sequence[Waiting] = (),
    ) -> None:
        """Write a decision: what was taken, all that changed, in one transaction.

        Of the inbox only `taken` is taken, which is what was read: a row that came meanwhile, even
        of an earlier moment, waits for the next decision.

        Raises StaleError where the stock that was decided on has changed.
        """
        with self._connection.transaction(), self._connection.cursor() as cursor:
            _check_stock(cursor, changes, before)
            words, refs = [word for word, _ in taken], [ref for _, ref in taken]
            cursor.execute(query("take_these"), [words, refs])
            write_changes(cursor, changes)
            cursor.execute(query("move_desk"), [now, now])

    def rehearse(self, now: datetime, changes: Changes, before: Situation) -> None:
        """As `commit`, and leave nothing of it: raises what `commit` would."""
        with self._connection.transaction(force_rollback=True):
            self.commit(now, changes, before)

    def unsent(self, passed_over: Collection[UUID] = (), limit: int = 100) -> list[Outgoing]:
        """Messages that were decided and not yet handed to the broker, oldest first."""
        with self._connection.transaction():
            found = self._connection.execute(query("unsent"), [list(passed_over), limit]).fetchall()
        return [Outgoing(*row) for row in found]

    def mark_sent(self, ids: Sequence[UUID]) -> None:
        with self._connection.transaction():
            self._connection.execute(query("mark_sent"), [list(ids)])

    def command(self, command: Command) -> None:
        """Put an operator's command where the desk finds it."""
        with self._connection.transaction(), self._connection.cursor() as cursor:
            c = command
            detail = Jsonb(dict(c.detail))
            cursor.execute(
                query("put_command"), [c.id, c.at, c.who, c.what, c.incident, c.why, detail]
            )
            cursor.execute(query("put_inbox"), ["command", c.id, c.at])


def _alerts(cursor: Cursor, waiting: Sequence[tuple[str, UUID]]) -> tuple[Alert, ...]:
    """Each alert as it was at that moment: fired, and perhaps later cleared."""
    wanted = [(word, ref) for word, ref in waiting if word in ("fired", "cleared")]
    stored = {
        row[0]: rows.alert_of(row)
        for row in cursor.execute(query("alerts"), [[ref for _, ref in wanted]]).fetchall()
    }
    return tuple(
        replace(stored[ref], cleared_at=None, cleared_why=None) if word == "fired" else stored[ref]
        for word, ref in wanted
    )


def _in_order(
    cursor: Cursor, name: str, ids: Sequence[UUID], of: Callable[[rows.Row], Word]
) -> tuple[Word, ...]:
    """The rows of those ids, as words of the model, in that order."""
    found = {row[0]: of(row) for row in cursor.execute(query(name), [ids]).fetchall()}
    return tuple(found[i] for i in ids)


def _situation(cursor: Cursor) -> Situation:
    situation = Situation()
    row = cursor.execute(query("desk_clock")).fetchone()
    situation.clock = row[0] if row else None
    for row in cursor.execute(query("current_incidents"), [AWAITED_FOR]).fetchall():
        incident = rows.incident_of(row)
        kept = situation.incidents if incident.state in ACTIVE else situation.ended
        kept[incident.id] = incident
    _silences(cursor, situation)
    alerts = [a for i in situation.incidents.values() for a in i.alerts] + [*situation.hidden]
    # an end that still waits in the inbox is not known yet: it must be told when it is taken
    for row in cursor.execute(query("known_alerts"), [alerts]).fetchall():
        alert = rows.alert_of(row)
        situation.alerts[alert.id] = alert
    requests = [r for i in situation.incidents.values() for r in i.requests]
    for row in cursor.execute(query("requests"), [requests]).fetchall():
        situation.requests[row[0]] = rows.request_of(row)
    _orders(cursor, situation)
    for row in cursor.execute(query("open_reservations")).fetchall():
        situation.reservations[row[0]] = Reservation(*row)
    for row in cursor.execute(query("stock")).fetchall():
        situation.stock[row[0], row[1]] = Stock(*row)
    for crew, lat, lon, at in cursor.execute(query("last_jobs")).fetchall():
        situation.whereabouts[crew] = Whereabouts(crew, Point(lat, lon), at)
    for incident, what, why in cursor.execute(query("last_unplanned")).fetchall():
        if what == "unplanned":
            situation.unplanned[incident] = why
    for word, number in cursor.execute(query("last_numbers")).fetchall():
        situation.count(word, number)
    return situation


def _silences(cursor: Cursor, situation: Situation) -> None:
    for row in cursor.execute(query("current_silences")).fetchall():
        situation.silences[row[0]] = rows.silence_of(row)
    for row in cursor.execute(query("currently_hidden")).fetchall():
        situation.hidden[row[0]] = Hidden(*row)
    situation.overdue = dict(cursor.execute(query("told_overdue")).fetchall())


def _orders(cursor: Cursor, situation: Situation) -> None:
    found = cursor.execute(query("current_orders"), [AWAITED_FOR]).fetchall()
    items: dict[UUID, list[OrderItem]] = {}
    for order, *item in cursor.execute(query("order_items"), [[o[0] for o in found]]).fetchall():
        items.setdefault(order, []).append(OrderItem(*item))
    for row in found:
        situation.orders[row[0]] = rows.order_of(row, tuple(items.get(row[0], ())))


def _check_stock(cursor: Cursor, changes: Changes, before: Situation) -> None:
    for place, item in sorted(changes.stock):  # one order for all, so that locks cannot cross
        row = cursor.execute(query("lock_stock"), [place, item]).fetchone()
        now = Stock(*row) if row else Stock(place, item, before.stock_at(place, item).on_hand)
        if now != before.stock_at(place, item):
            raise StaleError(f"{item} at {place} changed while the plan was made")


def write_changes(cursor: Cursor, changes: Changes) -> None:
    """Write what was decided, within the caller's transaction."""

    def many(name: str, values: Sequence[tuple[object, ...]]) -> None:
        if values:
            cursor.executemany(query(name), values)

    many("put_incident", [rows.incident_row(i) for i in changes.incidents.values()])
    many(
        "add_incident_event",
        [(e.id, e.incident, e.at, e.what, e.who, e.why) for e in changes.incident_events],
    )
    many("put_order", [rows.order_row(o) for o in changes.orders.values()])
    many(
        "put_order_item",
        [
            (o.id, i.item, i.place, i.planned, i.used, line)
            for o in changes.orders.values()
            for line, i in enumerate(o.items)
        ],
    )
    many(
        "add_order_event",
        [(e.id, e.order, e.at, e.what, e.who, e.why) for e in changes.order_events],
    )
    many(
        "put_stock",
        [(s.place, s.item, s.on_hand, s.reserved) for s in changes.stock.values()],
    )
    many(
        "put_reservation",
        [
            (r.id, r.order, r.place, r.item, r.quantity, r.open)
            for r in changes.reservations.values()
        ],
    )
    many(
        "add_movement",
        [
            (m.id, m.at, m.place, m.item, m.quantity, m.kind, m.order, m.note)
            for m in changes.movements
        ],
    )
    many(
        "add_cost",
        [
            (c.id, c.at, c.kind, c.nature, c.amount, c.quantity, c.unit, c.price, c.incident)
            + (c.order, c.item, c.community, c.category, c.account, Jsonb(dict(c.basis)))
            + (c.corrects,)
            for c in changes.costs
        ],
    )
    many(
        "add_outbox",
        [(m.id, m.topic, Jsonb(dict(m.payload)), m.made_at, m.expires_at) for m in changes.outbox],
    )
    many("put_silence", [rows.silence_row(s) for s in changes.silences.values()])
    many(
        "put_hidden",
        [(h.alert, h.by, h.at, h.dismissed, h.over_at, h.spoke) for h in changes.hidden.values()],
    )
    many("add_answer", [(a.command, a.at, a.done, a.told) for a in changes.answers])
    put_rejects(cursor, changes.rejects)
