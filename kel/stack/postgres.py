"""PostgreSQL with TimescaleDB as a child, in a data folder of its own."""

import os
import secrets
import signal
import subprocess
import time
from pathlib import Path

import psycopg

from kel.stack.child import Child, PartError
from kel.stack.folder import free_port, give, other_user, private

CONFIG = """
listen_addresses = '127.0.0.1'
shared_preload_libraries = 'timescaledb'
timescaledb.telemetry_level = off
max_connections = 60
max_locks_per_transaction = 256
shared_buffers = 256MB
max_wal_size = 2GB
checkpoint_timeout = 15min
timescaledb.max_background_workers = 8
max_worker_processes = 16
autovacuum_naptime = 1min
jit = off
timezone = 'UTC'
log_min_messages = warning
"""


def binaries() -> Path:
    """The folder of the newest PostgreSQL server that has TimescaleDB."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: -int(p.parts[-3])
    )
    for server in found:
        library = server.parents[1] / "lib/timescaledb.so"
        if library.exists():
            return server.parent
    raise PartError("there is no PostgreSQL with TimescaleDB: run `make setup`")


class Postgres:
    """A server with one database and one superuser, both called kel.

    `folder` may hold what an earlier server left there (`prepare` is then not called).
    """

    def __init__(self, folder: Path, password: str = "") -> None:
        self.port = free_port()
        self.password = password or secrets.token_urlsafe(18)
        self._bin = binaries()
        self._user = other_user("postgres")
        self._folder = private(folder / "postgres", self._user)
        self._data = self._folder / "data"
        # the places that change from run to run, so that the folder can be moved
        here = ["-p", str(self.port), "-c", f"unix_socket_directories={self._folder}"]
        self.child = Child(
            "postgres",
            [self._bin / "postgres", "-D", self._data, *here],
            folder / "postgres.log",
            user=self._user,
            end_with=signal.SIGINT,  # "fast": does not wait for clients
        )

    @property
    def url(self) -> str:
        return f"postgresql://kel@127.0.0.1:{self.port}/kel"

    def ready(self) -> None:
        """Wait until it answers, and make the database where it is not there yet."""
        self._wait()
        with self._connect("postgres") as connection:
            if not connection.execute("SELECT FROM pg_database WHERE datname = 'kel'").fetchall():
                connection.execute("CREATE DATABASE kel")

    def prepare(self) -> None:
        """Make the data folder."""
        password = self._folder / "password"
        password.write_text(self.password)
        give(password, self._user)
        command: list[str | Path] = [self._bin / "initdb", "-D", self._data, "-U", "kel"]
        command += ["--pwfile", password]
        done = subprocess.run(  # noqa: S603
            [*command, "--auth=scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
            capture_output=True,
            text=True,
            check=False,
            user=self._user,
            group=self._user,
            extra_groups=[] if self._user else None,
            cwd="/",
            env={**os.environ, "TZ": "UTC"},
        )
        password.unlink()
        if done.returncode:
            raise PartError(f"PostgreSQL's folder could not be made:\n{done.stderr}")
        with (self._data / "postgresql.conf").open("a") as config:
            config.write(CONFIG)

    def _connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="kel",
            password=self.password,
            dbname=database,
            autocommit=True,
            connect_timeout=5,
        )

    def _wait(self, timeout_s: float = 30.0) -> None:
        deadline = time.monotonic() + timeout_s
        while True:
            self.child.check()
            try:
                self._connect("postgres").close()
                return
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline:
                    raise PartError(f"PostgreSQL does not answer: {error}") from error
                time.sleep(0.1)
