"""The benchmarks' city: the example city, with 1,000 lamps that speak KEL JSON, rules and all.

`python -m benchmarks.city FOLDER` writes it, to try by hand.

The lamps are listed one by one and stand behind all of the example's feeders in turn, so that they
spread over the partitions, and the example's rules watch them.
"""

import csv
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kel.run.cityfiles import CityFiles, read_folder
from kel.topics import TELEMETRY

EXAMPLE = Path(__file__).parents[1] / "config/dionysos"
DEVICES = 1_000
COLUMNS = "id,name,community,lat,lon,source,feeder,parent,rated_power"


@dataclass(frozen=True, slots=True)
class Lamp:
    id: str
    community: str

    @property
    def topic(self) -> str:
        return TELEMETRY.format(community=self.community, device=self.id)


def write_city(folder: Path, devices: int = DEVICES) -> CityFiles:
    """Write the city into `folder`, which must not be there yet; raises MistakesError never."""
    shutil.copytree(EXAMPLE, folder)
    comments, feeders = _table(folder / "feeders.csv")
    for feeder in feeders:
        feeder["lamps"] = "0"
    with (folder / "feeders.csv").open("w", encoding="utf-8", newline="") as out:
        out.writelines(comments)
        rows = csv.DictWriter(out, list(feeders[0]))
        rows.writeheader()
        rows.writerows(feeders)
    lines = [COLUMNS, *_lamps(feeders, devices)]
    (folder / "devices/lamp.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return read_folder(folder)


def lamps_of(files: CityFiles) -> list[Lamp]:
    """The lamps in the order of their ids."""
    devices = sorted(files.city.devices.values(), key=lambda d: d.id)
    return [Lamp(d.id, d.community) for d in devices if d.cls == "lamp"]


def _table(file: Path) -> tuple[list[str], list[dict[str, str]]]:
    lines = file.read_text("utf-8").splitlines(keepends=True)
    comments = [line for line in lines if line.startswith("#")]
    return comments, list(csv.DictReader(line for line in lines if not line.startswith("#")))


def _lamps(feeders: list[dict[str, str]], devices: int) -> Iterator[str]:
    for n in range(devices):
        turn, which = divmod(n, len(feeders))
        f = feeders[which]
        id_ = f"la-{f['id'].removeprefix('f')}-{turn + 1:03d}"
        place = f"{f['lat']},{f['lon']}"
        yield (
            f"{id_},Φωτιστικό {turn + 1} ({f['id']}),{f['community']},{place},"
            f"kel,{f['id']},{f['cabinet']},{f['lamp_watts']}"
        )


if __name__ == "__main__":
    write_city(Path(sys.argv[1]))
