"""Settings: where the parts are and how KEL runs, from the environment (`KEL_…`).

No secret is ever an argument of a command; passwords are `SecretStr` and never print.
"""

from enum import StrEnum
from itertools import combinations
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from kel.topics import BRIDGE, CLOCK, ORDERS, filter_mistake, overlap


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
    # Received and not yet acknowledged, in number and in bytes: not more than mosquitto.conf's
    # max_inflight_messages and max_inflight_bytes, by which the bridge knows that it has caught up.
    mqtt_in_flight: int = Field(default=20_000, ge=1, le=65535)
    mqtt_in_flight_bytes: int = Field(default=32 * 1024 * 1024, ge=1)

    bridge: str = Field(default="bridge", pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")  # a bridge's name
    filters: Annotated[tuple[str, ...], NoDecode] = ()  # its topics; none: all of UPLINK

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
    stall_s: float = Field(default=30.0, gt=0)  # standing still for so long it starts again

    metrics_host: str = "127.0.0.1"
    metrics_port: int = Field(default=0, ge=0, le=65535)  # for Prometheus; 0: none

    reports: Path = Path(".kel/reports")

    grafana_url: str = "http://127.0.0.1:3000"
    grafana_token: SecretStr = SecretStr("")  # of a service account that may write dashboards

    @field_validator("filters", mode="before")
    @classmethod
    def _split(cls, filters: object) -> object:
        return tuple(f for f in filters.split(",") if f) if isinstance(filters, str) else filters

    @field_validator("filters")
    @classmethod
    def _usable(cls, filters: tuple[str, ...]) -> tuple[str, ...]:
        """The broker would deliver twice what two filters match, and KEL hears itself nowhere."""
        for topics in filters:
            if why := filter_mistake(topics):
                raise ValueError(f"{topics!r} is no topic filter: {why}")
            for own in (CLOCK, BRIDGE.format(bridge="+"), ORDERS.format(crew="+")):
                if overlap(topics, own):
                    raise ValueError(f"{topics!r} matches what KEL says itself on {own}")
        for one, other in combinations(filters, 2):
            if overlap(one, other):
                raise ValueError(f"{one!r} and {other!r} overlap: messages would come twice")
        return filters
