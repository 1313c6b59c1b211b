from datetime import UTC, datetime
from pathlib import Path

import pytest

from kel.model.city import City
from kel.model.mistake import MistakesError
from kel.model.moment import from_us
from kel.simulate.story import Story, read_story

HEAD = "date = 2026-10-20\nseed = 1\n"
TAIL = '[history]\ndays = 7\nfound_after = "2d"\n'


def mistakes(folder: Path, city: City, text: str) -> list[str]:
    path = folder / "story.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MistakesError) as raised:
        read_story(path, city)
    return [f"{m.line} {m.field}" for m in raised.value.mistakes]


def test_the_day_is_the_citys_own(story: Story) -> None:
    assert story.start == datetime(2026, 10, 17, 21, tzinfo=UTC)
    assert story.end == datetime(2026, 10, 18, 21, tzinfo=UTC)
    assert (story.start - story.history_start).days == story.history.days == 48


def test_the_day_has_what_was_promised(story: Story) -> None:
    assert len({t.id for t in story.troubles}) == len(story.troubles)
    kinds = [t.kind.value for t in story.troubles]
    assert {"burst", "pump_wear", "feeder_outage", "smoke", "sensor_silent"} <= set(kinds)
    assert 3 <= kinds.count("lamp_failure") <= 5
    burst = next(t for t in story.troubles if t.kind == "burst")
    assert from_us(burst.starts_us) == datetime(2026, 10, 17, 23, 40, tzinfo=UTC)
    assert len(burst.reports) == 2
    assert burst.signs


TROUBLE = '[[trouble]]\nid="a"\n'

MISTAKES = [
    (TROUBLE + 'kind="burts"\nat="02:40"\n', ["5 trouble.0.kind"]),
    (
        TROUBLE + 'kind="burst"\nat="25:00"\nzone="z07"\nsize=0\n',
        ["6 trouble.0.at", "8 trouble.0.size"],
    ),
    (TROUBLE + 'kind="burst"\nat="02:40"\nzone="z99"\nsize=5\n', ["7 trouble.0.zone"]),
    (
        TROUBLE + 'kind="pump_wear"\nat="02:40"\ndevice="zm-01"\nsize=0.2\n',
        ["7 trouble.0.device"],
    ),
    (
        TROUBLE + 'kind="lamp_failure"\nat="02:40"\ndevice="la-01-001"\n'
        'reports=[{at="03:00", category="lamps", text="…"}]\n',
        ["8 trouble.0.reports.0.category"],
    ),
    ((TROUBLE + 'kind="feeder_outage"\nat="02:40"\nfeeder="f01"\n') * 2, ["9 trouble.1.id"]),
    ('[[bad]]\nat="02:40"\nfault="boring"\n', ["5 bad.0.fault"]),
    (
        TROUBLE + 'kind="feeder_outage"\nat="02:40"\nfeeder="f01"\nsize=3\n',
        ["8 trouble.0.size"],
    ),
    (
        '[[history.cause]]\nkind="burst"\nper_week=-1\ncategory="main_burst"\n',
        ["8 history.cause.0.per_week"],
    ),
]


@pytest.mark.parametrize(("middle", "found"), MISTAKES)
def test_a_mistake_is_told_with_its_line_and_field(
    tmp_path: Path, city: City, middle: str, found: list[str]
) -> None:
    parts = (HEAD, TAIL, middle) if "history" in middle else (HEAD, middle, TAIL)
    assert mistakes(tmp_path, city, "".join(parts)) == found


def test_all_mistakes_are_told_at_once(tmp_path: Path, city: City) -> None:
    text = (
        HEAD + '[[trouble]]\nid="a"\nkind="burst"\n[[bad]]\nfault="x"\nat="1"\n[history]\ndays=-1\n'
    )
    assert len(mistakes(tmp_path, city, text)) >= 6
