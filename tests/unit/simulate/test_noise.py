import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kel.model.moment import MINUTE_US
from kel.simulate.noise import Stream, keys, smooth, swing, uniform


def test_uniform_is_even_and_without_order() -> None:
    values = uniform(7, Stream.DEMAND, np.arange(20_000), 3)
    assert values.min() >= 0 and values.max() < 1
    assert abs(values.mean() - 0.5) < 0.01
    assert abs(np.corrcoef(values[1:], values[:-1])[0, 1]) < 0.03


@given(st.integers(0, 2**40), st.integers(0, 10_000), st.integers(-(2**40), 2**60))
def test_a_number_depends_on_its_own_names_only(seed: int, known: int, step: int) -> None:
    alone = swing(seed, Stream.LAMP, known, step)[0]
    among = swing(seed, Stream.LAMP, np.arange(known, known + 5), np.full(5, step))[0]
    assert alone == among
    assert -1 <= alone < 1


def test_seed_stream_id_and_step_all_count() -> None:
    base = uniform(1, Stream.LAMP, 2, 3)[0]
    others = [
        uniform(2, Stream.LAMP, 2, 3)[0],
        uniform(1, Stream.SOUND, 2, 3)[0],
        uniform(1, Stream.LAMP, 3, 3)[0],
        uniform(1, Stream.LAMP, 2, 4)[0],
    ]
    assert len({base, *others}) == 5


def test_smooth_wanders_without_jumps_however_it_is_asked() -> None:
    times = np.arange(0, 6 * 60 * MINUTE_US, MINUTE_US)
    whole = smooth(5, Stream.CLOUD, keys(["a", "b"]), times, 60 * MINUTE_US)
    assert np.abs(whole).max() <= 1
    assert np.abs(np.diff(whole, axis=0)).max() < 0.06
    parts = [
        smooth(5, Stream.CLOUD, keys(["a", "b"]), t, 60 * MINUTE_US) for t in np.split(times, 8)
    ]
    assert np.array_equal(whole, np.vstack(parts))
