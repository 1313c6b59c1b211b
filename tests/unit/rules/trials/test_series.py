import numpy as np
import pytest

from rules.trials.series import MOST, parse_series

NAN = float("nan")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("20", [20]),
        ("-1.5 +2", [-1.5, 2]),
        ("20*3 _ 7", [20, 20, 20, NAN, 7]),
        ("_*2 1", [NAN, NAN, 1]),
        ("20..30*3", [20, 25, 30]),
        ("30..20*2", [30, 20]),
        ("5..9", [5]),
    ],
)
def test_words_are_readings(text: str, values: list[float]) -> None:
    assert parse_series(text) == pytest.approx(np.array(values), nan_ok=True)


def test_noise_is_the_same_for_ever_and_another_at_another_place() -> None:
    once = parse_series("20~0.5*1000 20~0.5*1000")
    assert (once == parse_series("20~0.5*1000 20~0.5*1000")).all()
    first, second = once[:1000], once[1000:]
    assert not (first == second).any()
    assert first.mean() == pytest.approx(20, abs=0.1)
    assert first.std() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    "text",
    ["", "  ", "x", "20*", "20*0", "20 * 5", "_..3", "1e3", "nan", "20~", "20~-1", f"1*{MOST + 1}"],
)
def test_what_is_no_series_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no readings|is empty"):
        parse_series(text)


def test_more_than_can_be_meant_is_refused() -> None:
    with pytest.raises(ValueError, match="more than"):
        parse_series(f"1*{MOST} 1")
