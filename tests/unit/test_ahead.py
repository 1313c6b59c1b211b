"""What is made ahead comes in its order, and no more of it than is wanted."""

import threading

import pytest

from kel.ahead import AHEAD, ahead


def test_in_order_and_all_of_it():
    assert list(ahead(lambda n: n * n, range(20))) == [n * n for n in range(20)]
    assert list(ahead(str, [])) == []


def test_at_most_so_many_before_the_one_in_use():
    made = []
    enough = threading.Event()

    def make(n):
        made.append(n)
        if n == AHEAD:
            enough.set()
        return n

    things = ahead(make, range(100))
    assert next(things) == 0
    assert enough.wait(5)
    things.close()
    assert made == list(range(AHEAD + 1))


def test_a_failure_comes_where_the_thing_would_have():
    def make(n):
        if n == 2:
            raise ValueError("two")
        return n

    things = ahead(make, range(5))
    assert [next(things), next(things)] == [0, 1]
    with pytest.raises(ValueError, match="two"):
        next(things)
