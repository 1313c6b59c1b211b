"""Dashboards as files: `python -m grafana.build` writes dashboards/*.json anew.

Grafana reads the files; tests hold them against this builder, so that neither is edited alone.
"""

import json
from pathlib import Path

from grafana.look import Json
from grafana.wall import wall

FOLDER = Path(__file__).parent / "dashboards"


def dashboards() -> dict[str, Json]:
    """Every dashboard by its file's name."""
    return {"wall.json": wall()}


def text_of(dashboard: Json) -> str:
    """A dashboard as it stands in its file."""
    return json.dumps(dashboard, ensure_ascii=False, indent=2) + "\n"


def main() -> None:
    for name, dashboard in dashboards().items():
        (FOLDER / name).write_text(text_of(dashboard), "utf-8")


if __name__ == "__main__":
    main()
