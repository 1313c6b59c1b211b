"""Settings: where the parts are and how KEL runs, from the environment (`KEL_…`).

No secret is ever an argument of a command; passwords are `SecretStr` and never print.
"""

from enum import StrEnum
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ClockKind(StrEnum):
    SYSTEM = "system"  # the machine's clock
    STORY = "story"  # the clock that comes by MQTT, as the simulation plays


class Settings(BaseSettings):
    """One object for every process; `compose.yaml` and the demo set the same names."""

    model_config = SettingsConfigDict(env_prefix="KEL_", extra="ignore")

    city: Path = Path("config/dionysos")
    lamps_per_feeder: int | None = None  # another number than the city's files say, to try sizes
    clock: ClockKind = ClockKind.SYSTEM

    mqtt_host: str = "127.0.0.1"
    mqtt_port: int = 1883
    mqtt_user: str = ""
    mqtt_password: SecretStr = SecretStr("")
    mqtt_in_flight: int = Field(default=2000, ge=1, le=65535)

    kafka: str = "127.0.0.1:9092"
    partitions: int = Field(default=12, ge=1)
    tick_s: float = Field(default=1.0, gt=0)  # how often the bridge says the time
    linger_s: float = Field(default=0.02, gt=0)  # how long the bridge gathers a batch

    database: str = "postgresql://kel@127.0.0.1:5432/kel"
    database_password: SecretStr = SecretStr("")
    reader_password: SecretStr = SecretStr("")  # of kel_reader, whom walls read as
    commit_s: float = Field(default=0.1, gt=0)  # how often a worker commits
    session_s: float = Field(default=10.0, gt=0)  # a worker silent for so long loses its partitions
    snapshot_s: float = Field(default=30.0, gt=0)  # how often it keeps its rules' state

    reports: Path = Path(".kel/reports")

    grafana_url: str = "http://127.0.0.1:3000"
    grafana_token: SecretStr = SecretStr("")  # of a service account that may write dashboards
