"""The ledger: never below nothing by plan, every unit explained, a true report never refused."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatch.stock import ShortageError, gather, release, reserve, use
from kel.model.ids import make_id
from kel.model.incident import Material
from kel.model.order import OrderItem, OrderState, WorkOrder
from kel.model.situation import Changes, Situation
from kel.model.stock import WAREHOUSE, Movement, MovementKind, Stock
from tests.builders.city import at, north

VAN = "water-1"
ITEMS = ("clamp", "sand", "saddle")


def _situation(**on_hand: int) -> Situation:
    """Stock by `van_clamp=1`, `store_sand=4`."""
    places = {"van": VAN, "store": WAREHOUSE}
    stock = {}
    for name, quantity in on_hand.items():
        place, item = name.split("_")
        stock[places[place], item] = Stock(places[place], item, Decimal(quantity))
    return Situation(stock=stock)


def _order(items: Iterable[OrderItem], name: str = "one") -> WorkOrder:
    return WorkOrder(
        id=make_id("order", name),
        number="Ε-2026-0001",
        incident=make_id("incident", name),
        category="main_burst",
        crew=VAN,
        people=(),
        vehicles=(),
        items=tuple(items),
        state=OrderState.ARRIVED,
        place=north(38.13),
        made_at=at("08:00"),
        expires_at=at("08:15"),
        depart_at=at("08:05"),
        arrive_at=at("08:30"),
        finish_at=at("12:30"),
        km=5.0,
    )


def _line(item: str, place: str, planned: int, used: int | None = None) -> OrderItem:
    return OrderItem(item, place, Decimal(planned), None if used is None else Decimal(used))


def _used(**quantities: int) -> list[Material]:
    return [Material(item, Decimal(q)) for item, q in quantities.items()]


def _moves(movements: Iterable[Movement]) -> list[tuple[str, str, int]]:
    return [(m.place, m.kind.value, int(m.quantity)) for m in movements]


def test_gather_takes_from_the_van_then_the_warehouse_and_says_what_is_short() -> None:
    situation = _situation(van_clamp=1, store_clamp=2, store_sand=3)

    def free(place: str, item: str) -> Decimal:
        return situation.stock_at(place, item).free

    found = gather(free, VAN, _used(clamp=2, sand=4))
    assert found.items == (
        _line("clamp", VAN, 1),
        _line("clamp", WAREHOUSE, 1),
        _line("sand", WAREHOUSE, 3),
    )
    assert found.short == (Material("sand", Decimal(1)),)
    assert found.from_warehouse


def test_less_than_nothing_counts_as_nothing() -> None:
    found = gather(lambda place, item: Decimal(-2), VAN, _used(clamp=1))
    assert (found.items, found.short) == ((), (Material("clamp", Decimal(1)),))


def test_what_is_reserved_is_not_free_until_it_is_released() -> None:
    situation = _situation(van_clamp=1)
    order = _order([_line("clamp", VAN, 1)])
    situation.apply(reserve(situation, order.id, order.items))
    assert situation.stock_at(VAN, "clamp").free == 0
    with pytest.raises(ShortageError, match="clamp at water-1: 0 free"):
        reserve(situation, make_id("order", "two"), order.items)
    situation.apply(release(situation, order.id))
    assert situation.stock_at(VAN, "clamp") == Stock(VAN, "clamp", Decimal(1))
    assert not situation.reservations
    assert not release(situation, order.id)


def test_use_of_what_was_planned() -> None:
    situation = _situation(van_clamp=1, store_sand=4)
    order = _order([_line("clamp", VAN, 1), _line("sand", WAREHOUSE, 4)])
    situation.apply(reserve(situation, order.id, order.items))
    items, changes = use(situation, order, _used(clamp=1, sand=3), at("12:00"))
    assert items == (_line("clamp", VAN, 1, 1), _line("sand", WAREHOUSE, 4, 3))
    assert _moves(changes.movements) == [
        (VAN, "use", -1),
        (WAREHOUSE, "issue", -4),
        (VAN, "issue", 4),
        (VAN, "use", -3),
        (VAN, "return", -1),
        (WAREHOUSE, "return", 1),
    ]
    situation.apply(changes)
    assert situation.stock_at(WAREHOUSE, "sand") == Stock(WAREHOUSE, "sand", Decimal(1))
    assert situation.stock_at(VAN, "sand") == Stock(VAN, "sand", Decimal(0))


def test_more_than_planned_comes_from_the_van_then_is_a_difference() -> None:
    situation = _situation(van_clamp=2)
    order = _order([_line("clamp", VAN, 1)])
    situation.apply(reserve(situation, order.id, order.items))
    items, changes = use(situation, order, _used(clamp=3), at("12:00"))
    assert items == (_line("clamp", VAN, 1, 3),)
    assert _moves(changes.movements) == [(VAN, "difference", 1), (VAN, "use", -3)]
    assert changes.stock[VAN, "clamp"] == Stock(VAN, "clamp", Decimal(0))


def test_what_was_not_planned_at_all_is_a_line_of_its_own() -> None:
    order = _order([])
    items, changes = use(_situation(), order, _used(saddle=2), at("12:00"))
    assert items == (_line("saddle", VAN, 0, 2),)
    assert _moves(changes.movements) == [(VAN, "difference", 2), (VAN, "use", -2)]


def test_what_was_planned_and_not_used_is_told_as_nothing_used() -> None:
    situation = _situation(van_clamp=1)
    order = _order([_line("clamp", VAN, 1)])
    situation.apply(reserve(situation, order.id, order.items))
    items, changes = use(situation, order, [], at("12:00"))
    assert items == (_line("clamp", VAN, 1, 0),)
    assert changes.movements == []
    assert changes.stock[VAN, "clamp"] == Stock(VAN, "clamp", Decimal(1))


QUANTITY = st.integers(0, 6).map(Decimal)
MATERIALS = st.lists(st.builds(Material, st.sampled_from(ITEMS), QUANTITY), max_size=4)
JOBS = st.lists(
    st.tuples(MATERIALS, MATERIALS, st.sampled_from(["complete", "decline", "wait"])), max_size=6
)
OPENING = st.dictionaries(
    st.tuples(st.sampled_from([VAN, WAREHOUSE]), st.sampled_from(ITEMS)), QUANTITY
)


@settings(deadline=None, max_examples=100)
@given(opening=OPENING, jobs=JOBS)
def test_the_laws_of_the_ledger(opening: dict[tuple[str, str], Decimal], jobs: list) -> None:  # type: ignore[type-arg]
    situation = Situation(stock={key: Stock(*key, quantity) for key, quantity in opening.items()})
    ledger = [
        Movement(make_id("m", *key), at("06:00"), *key, q, MovementKind.OPENING)
        for key, q in opening.items()
    ]
    truth_told = False
    for number, (needed, used, end) in enumerate(jobs):

        def free(place: str, item: str) -> Decimal:
            return situation.stock_at(place, item).free

        merged = {m.item: Decimal(0) for m in needed}
        for material in needed:
            merged[material.item] += material.quantity
        found = gather(free, VAN, [Material(i, q) for i, q in merged.items()])
        order = _order(found.items, str(number))
        reserved = reserve(situation, order.id, order.items)  # what was gathered is always free
        situation.apply(reserved)
        if not truth_told:
            assert all(s.reserved <= s.on_hand for s in situation.stock.values())
        changes = Changes()
        if end == "complete":
            items, changes = use(situation, order, used, at("12:00"))
            total = sum((m.quantity for m in used), Decimal(0))
            assert sum((i.used or Decimal(0) for i in items), Decimal(0)) == total
            assert len({(i.item, i.place) for i in items}) == len(items)
            truth_told = True
        elif end == "decline":
            changes = release(situation, order.id)
        situation.apply(changes)
        ledger += changes.movements
        for stock in situation.stock.values():
            assert stock.on_hand >= 0
            assert stock.reserved >= 0
            moved = (m.quantity for m in ledger if (m.place, m.item) == (stock.place, stock.item))
            assert sum(moved, Decimal(0)) == stock.on_hand
        kept: dict[tuple[str, str], Decimal] = {}
        for r in situation.reservations.values():
            kept[r.place, r.item] = kept.get((r.place, r.item), Decimal(0)) + r.quantity
        for key, stock in situation.stock.items():
            assert stock.reserved == kept.get(key, Decimal(0))
    assert len({m.id for m in ledger}) == len(ledger)


def test_a_replay_makes_the_same_ids() -> None:
    situation = _situation(van_clamp=2)
    order = _order([_line("clamp", VAN, 1)])
    first = use(situation, order, _used(clamp=1), at("12:00"))
    assert use(replace(situation), order, _used(clamp=1), at("12:00")) == first
