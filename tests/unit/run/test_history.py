"""The kept history is made anew when what made it changes."""

from pathlib import Path

from kel.run.history import _sources
from tests.builders.running import FOLDER

ROOT = Path(__file__).parents[3]


def test_the_key_covers_the_city_the_code_and_the_locked_versions() -> None:
    sources = {str(f.relative_to(ROOT)) for f in _sources(ROOT, FOLDER.resolve())}
    assert sources >= {
        "config/dionysos/rules.toml",
        "ingest/intake.py",
        "rules/evaluate.py",
        "dispatch/plan.py",
        "kel/run/partition.py",
        "kel/store/memory.py",
        "kel/topics.py",
        "requirements/lock.txt",
    }
    assert all((ROOT / name).is_file() for name in sources)
