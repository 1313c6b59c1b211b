"""Rows that may be stored already: merged into what is stored, and what became of each is told.

Laws, of the rows of one device and moment, in the order in which they came:
- what was first wins; a metric that was missing is filled in;
- a row that says nothing new is a `duplicate`: counted;
- a row with another value is a `contradiction`: counted, and kept in `late` with its values;
- a row with something new, of a moment that rules have passed, is `late`: counted, and kept there;
- any other completes a row, or is a new one in time: it needs no word.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from psycopg import Cursor, sql

from kel.model.frame import Frame
from kel.model.moment import from_us
from kel.store.classes import table_of
from kel.store.columns import pack

Fates = Counter[tuple[datetime, str]]  # by day of arrival and fate

INCOMING = """
CREATE TEMP TABLE incoming (
    LIKE {table}, "#late" boolean NOT NULL, "#n" integer GENERATED ALWAYS AS IDENTITY
) ON COMMIT DROP"""

# What stood before each row: what is stored, else the first of those that came before it.
JUDGED = """
CREATE TEMP TABLE judged ON COMMIT DROP AS
SELECT i.*, CASE
    WHEN {differs} THEN 'contradiction'
    WHEN (stored.device IS NOT NULL OR i."#before" > 0) AND NOT ({adds}) THEN 'duplicate'
    WHEN i."#late" THEN 'late' END AS "#fate"
FROM (
    SELECT *, row_number() OVER moment - 1 AS "#before", {firsts} FROM incoming
    WINDOW moment AS (PARTITION BY device, time ORDER BY "#n"),
        earlier AS (PARTITION BY device, time ORDER BY "#n"
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
) i LEFT JOIN LATERAL (
    SELECT * FROM {table} t WHERE t.device = i.device AND t.time = i.time
        AND t.time BETWEEN {first} AND {last} OFFSET 0
) stored ON true"""

MERGED = """
INSERT INTO {table} AS stored ({columns})
SELECT time, (array_agg(arrival ORDER BY "#n"))[1], device, {values} FROM judged
WHERE "#fate" IS DISTINCT FROM 'duplicate' GROUP BY device, time
ON CONFLICT (device, time) DO UPDATE SET {fill} WHERE {fills}"""

TOLD = """
INSERT INTO late (id, device, time, arrival, fate, metrics)
SELECT md5(concat_ws('/', device, time, arrival, fate, metrics))::uuid, told.*
FROM (
    SELECT device, time, arrival, "#fate" AS fate, CASE "#fate" WHEN 'contradiction' THEN
        (SELECT jsonb_object_agg(key, value) FROM jsonb_each(to_jsonb(judged))
         WHERE key = ANY({metrics}) AND value <> 'null') END AS metrics
    FROM judged WHERE "#fate" IN ('late', 'contradiction')
) told
ON CONFLICT DO NOTHING"""

COUNTED = """
SELECT date_trunc('day', arrival), "#fate", count(*) FROM judged WHERE "#fate" IS NOT NULL
GROUP BY 1, 2"""

CONTRADICTIONS = """SELECT "#n" - 1 FROM judged WHERE "#fate" = 'contradiction'"""


def merge(cursor: Cursor, frame: Frame, late: NDArray[np.bool_]) -> tuple[Fates, NDArray[np.bool_]]:
    """Merge rows in the order in which they came, within the caller's transaction.

    `late`: (n,) whether rules had passed a row's moment. Returns how many had which fate, which the
    caller counts, and which rows contradict, (n,).
    """
    metrics = tuple(frame.metrics)
    names = [sql.Identifier(m) for m in metrics]
    parts = {
        "table": sql.Identifier(table_of(frame.cls)),
        "columns": _list("{m}", [sql.Identifier(c) for c in ("time", "arrival", "device")] + names),
        "first": sql.Literal(from_us(int(frame.time.min()))),
        "last": sql.Literal(from_us(int(frame.time.max()))),
        "metrics": sql.Literal(list(metrics)),
        "firsts": _each(
            "(array_agg({m}) FILTER (WHERE {m} IS NOT NULL) OVER earlier)[1] AS {f}", metrics
        ),
        "differs": _any("coalesce(i.{m} <> coalesce(stored.{m}, i.{f}), false)", metrics),
        "adds": _any("i.{m} IS NOT NULL AND coalesce(stored.{m}, i.{f}) IS NULL", metrics),
        "values": _list('(array_agg({m} ORDER BY "#n") FILTER (WHERE {m} IS NOT NULL))[1]', names),
        "fill": _list("{m} = coalesce(stored.{m}, excluded.{m})", names),
        "fills": _any("stored.{m} IS NULL AND excluded.{m} IS NOT NULL", metrics),
    }
    cursor.execute(sql.SQL(INCOMING).format(**parts))
    statement = 'COPY incoming (time, arrival, device, "#late", {}) FROM STDIN (FORMAT binary)'
    with cursor.copy(sql.SQL(statement).format(_list("{m}", names))) as copy:
        copy.write(pack(frame, late))
    cursor.execute(sql.SQL(JUDGED).format(**parts))
    cursor.execute(sql.SQL(MERGED).format(**parts))
    cursor.execute(sql.SQL(TOLD).format(**parts))
    fates: Fates = Counter({(day, f): n for day, f, n in cursor.execute(COUNTED).fetchall()})
    contradict = np.zeros(len(frame), np.bool_)
    if any(fate == "contradiction" for _, fate in fates):
        contradict[[n for (n,) in cursor.execute(CONTRADICTIONS).fetchall()]] = True
    cursor.execute("DROP TABLE incoming, judged")
    return fates, contradict


def _list(form: str, names: Sequence[sql.Identifier]) -> sql.Composable:
    return sql.SQL(", ").join(sql.SQL(form).format(m=name) for name in names)


def _each(form: str, metrics: Sequence[str], between: str = ", ") -> sql.Composable:
    """A piece of SQL for every metric {m}; {f} is where its first value before stands."""
    return sql.SQL(between).join(
        sql.SQL(form).format(m=sql.Identifier(m), f=sql.Identifier(f"#{m}")) for m in metrics
    )


def _any(form: str, metrics: Sequence[str]) -> sql.Composable:
    return _each(form, metrics, " OR ")
