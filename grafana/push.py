"""Walls through Grafana's API, for whom provisioning by file does not suit.

Laws:
- pushing again changes nothing that is as it should be already: ids are fixed, never new;
- what is pushed is what the files say (dashboards/*.json), not what some builder would make today;
- the database's password goes to Grafana and nowhere else: no log, no error names it.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from grafana_client import GrafanaApi
from grafana_client.client import (
    GrafanaClientError,
    GrafanaException,
    GrafanaTimeoutError,
    GrafanaUnauthorizedError,
)

FOLDER_UID = "kel"
FOLDER_TITLE = "ΚΕΛ"
SOURCE_UID = "kel"
READER = "kel_reader"
FORBIDDEN, MISSING = 403, 404

Json = Mapping[str, Any]


class PushError(ConnectionError):
    """Grafana cannot be reached or refused; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Source:
    """The database as Grafana is to find it: `url` as in KEL_DATABASE, read as kel_reader."""

    url: str
    password: str
    sslmode: str = "require"

    def payload(self) -> dict[str, Any]:
        """The data source as Grafana's API takes it. Raises ValueError on a URL without a host."""
        parts = urlsplit(self.url)
        if not parts.hostname or not parts.path.strip("/"):
            raise ValueError("the database's URL must be postgresql://USER@HOST:PORT/NAME")
        return {
            "name": "KEL",
            "uid": SOURCE_UID,
            "type": "grafana-postgresql-datasource",
            "access": "proxy",
            "url": f"{parts.hostname}:{parts.port or 5432}",
            "user": READER,
            "isDefault": True,
            "jsonData": {
                "database": parts.path.strip("/"),
                "sslmode": self.sslmode,
                "postgresVersion": 1500,
                "timescaledb": True,
                "maxOpenConns": 10,
                "maxIdleConns": 4,
                "connMaxLifetime": 14400,
            },
            "secureJsonData": {"password": self.password},
        }


def dashboard_files() -> dict[str, Json]:
    """The dashboards that are shipped, by file name."""
    folder = files("grafana") / "dashboards"
    found = sorted((f for f in folder.iterdir() if f.name.endswith(".json")), key=lambda f: f.name)
    return {f.name: json.loads(f.read_text("utf-8")) for f in found}


def push(url: str, token: str, source: Source | None = None) -> list[str]:
    """Bring data source (where given), folder and dashboards to Grafana; returns what was done.

    Raises PushError where Grafana does not answer, refuses the token or the content.
    """
    grafana = GrafanaApi.from_url(_with_slash(url), credential=token, timeout=10.0)
    done = []
    with _told(url):
        if source is not None:
            done.append(_put_source(grafana, source.payload()))
        done.append(_put_folder(grafana))
        for dashboard in dashboard_files().values():
            grafana.dashboard.update_dashboard(
                {
                    "dashboard": dashboard,
                    "folderUid": FOLDER_UID,
                    "overwrite": True,
                    "message": "kel grafana push",
                }
            )
            done.append(f"dashboard {dashboard['title']}: written")
    return done


def _put_source(grafana: GrafanaApi, payload: dict[str, Any]) -> str:
    if _there(grafana.datasource.get_datasource_by_uid, SOURCE_UID):
        grafana.datasource.update_datasource_by_uid(SOURCE_UID, payload)
        return "data source KEL: updated"
    grafana.datasource.create_datasource(payload)
    return "data source KEL: created"


def _put_folder(grafana: GrafanaApi) -> str:
    if _there(grafana.folder.get_folder, FOLDER_UID):
        return f"folder {FOLDER_TITLE}: there already"
    grafana.folder.create_folder(FOLDER_TITLE, uid=FOLDER_UID)
    return f"folder {FOLDER_TITLE}: created"


def _there(get: Any, uid: str) -> bool:
    try:
        get(uid)
    except GrafanaClientError as error:
        if error.status_code == MISSING:
            return False
        raise
    return True


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Grafana's and the network's errors, in words that tell what to do."""
    try:
        yield
    except GrafanaUnauthorizedError as error:
        raise PushError(
            f"Grafana at {url} does not know the token: make one for a service account with the "
            "role Admin, and set KEL_GRAFANA_TOKEN"
        ) from error
    except GrafanaTimeoutError as error:
        raise PushError(f"Grafana at {url} does not answer in time") from error
    except GrafanaException as error:
        hint = (
            ": the service account needs the role Admin" if error.status_code == FORBIDDEN else ""
        )
        raise PushError(f"Grafana at {url} refused: {error.message}{hint}") from error
    except OSError as error:  # what grafana-client's HTTP library raises, connection refused too
        raise PushError(f"Grafana at {url} cannot be reached (KEL_GRAFANA_URL): {error}") from error


def _with_slash(url: str) -> str:
    """Grafana below a path is found by the client only where the path ends with a slash."""
    return url if "?" in url else url.rstrip("/") + "/"
