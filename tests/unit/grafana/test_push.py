"""Pushing against a small Grafana of our own: it keeps what it is given, and records requests."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner

from grafana.push import PushError, Source, push
from kel.cli.grafana import grafana as command
from kel.stack.folder import free_port

TOKEN = "glsa_right"
SOURCE = Source("postgresql://kel@db.example:5433/kel", "reader-secret")


class Handler(BaseHTTPRequestHandler):
    """Folders, data sources and dashboards by uid, as Grafana's HTTP API has them."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        self._handle(None)

    def do_POST(self):
        self._handle(self._body())

    def do_PUT(self):
        self._handle(self._body())

    def _body(self):
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def _handle(self, body):
        path = self.path.removeprefix(self.server.prefix)
        self.server.requests.append((self.command, path, body))
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            return self._say(401, {"message": "Invalid API key"})
        if self.server.forbid:
            return self._say(403, {"message": "Access denied"})
        return self._say(*self._answer(path, body))

    def _answer(self, path, body):
        kept = self.server.kept
        if self.command == "GET":
            return (200, kept[path]) if path in kept else (404, {"message": "not found"})
        if path == "/api/dashboards/db":
            kept[f"/api/dashboards/uid/{body['dashboard']['uid']}"] = body
            return 200, {"status": "success"}
        uid_path = {"/api/folders": "/api/folders/", "/api/datasources": "/api/datasources/uid/"}
        where = uid_path[path] + body["uid"] if path in uid_path else path
        if self.command == "POST" and where in kept:
            return 409, {"message": "already exists"}
        kept[where] = body
        return 200, body

    def _say(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.prefix, made.requests, made.kept, made.forbid = "", [], {}, False
    made.url = f"http://127.0.0.1:{made.server_port}"
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def _writes(server):
    return [(method, path) for method, path, _ in server.requests if method != "GET"]


def test_first_push_makes_everything(server):
    done = push(server.url, TOKEN, SOURCE)
    assert done == [
        "data source KEL: created",
        "folder ΚΕΛ: created",
        "dashboard ΚΕΛ — Τοίχος: written",
    ]
    assert _writes(server) == [
        ("POST", "/api/datasources"),
        ("POST", "/api/folders"),
        ("POST", "/api/dashboards/db"),
    ]
    written = server.kept["/api/dashboards/uid/kel-wall"]
    assert written["overwrite"] is True
    assert written["folderUid"] == "kel"
    assert written["dashboard"]["id"] is None
    assert written["dashboard"]["panels"]


def test_the_data_source_reads_as_kel_reader(server):
    push(server.url, TOKEN, SOURCE)
    source = server.kept["/api/datasources/uid/kel"]
    assert source["type"] == "grafana-postgresql-datasource"
    assert (source["url"], source["user"]) == ("db.example:5433", "kel_reader")
    assert source["secureJsonData"] == {"password": "reader-secret"}
    assert source["jsonData"]["sslmode"] == "require"


def test_a_second_push_changes_nothing(server):
    push(server.url, TOKEN, SOURCE)
    before = json.dumps(server.kept, sort_keys=True)
    done = push(server.url, TOKEN, SOURCE)
    assert done[:2] == ["data source KEL: updated", "folder ΚΕΛ: there already"]
    assert json.dumps(server.kept, sort_keys=True) == before


def test_without_a_source_the_data_source_is_left_alone(server):
    push(server.url, TOKEN)
    assert not any("datasources" in path for _, path, _ in server.requests)


def test_a_grafana_below_a_path(server):
    server.prefix = "/grafana"
    push(f"{server.url}/grafana", TOKEN)
    assert "/api/folders/kel" in server.kept


def test_a_wrong_token_says_what_to_do(server):
    with pytest.raises(PushError, match=r"does not know the token.*KEL_GRAFANA_TOKEN") as error:
        push(server.url, "glsa_wrong", SOURCE)
    assert "glsa_wrong" not in str(error.value)
    assert not server.kept


def test_a_token_without_rights_says_what_to_do(server):
    server.forbid = True
    with pytest.raises(PushError, match=r"Access denied.*role Admin"):
        push(server.url, TOKEN, SOURCE)


def test_nobody_there(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(PushError, match=r"cannot be reached \(KEL_GRAFANA_URL\)"):
        push(f"http://127.0.0.1:{free_port()}", TOKEN)


@pytest.mark.parametrize("url", ["kel", "postgresql:///kel", "postgresql://kel@db"])
def test_a_database_that_grafana_could_not_find_is_refused(url):
    with pytest.raises(ValueError, match="HOST:PORT"):
        Source(url, "x").payload()


def test_the_command_takes_url_and_secrets_from_the_environment(server):
    environment = {
        "KEL_GRAFANA_URL": server.url,
        "KEL_GRAFANA_TOKEN": TOKEN,
        "KEL_READER_PASSWORD": "reader-secret",
    }
    arguments = ["push", "--database", "postgresql://kel@db/kel", "--sslmode", "disable"]
    result = CliRunner().invoke(command, arguments, env=environment)
    assert result.exit_code == 0, result.output
    assert "dashboard ΚΕΛ — Τοίχος: written" in result.output
    assert "secret" not in result.output
    assert server.kept["/api/datasources/uid/kel"]["url"] == "db:5432"


def test_the_command_without_a_token_says_so():
    result = CliRunner().invoke(command, ["push"], env={"KEL_GRAFANA_TOKEN": ""})
    assert result.exit_code == 1
    assert "KEL_GRAFANA_TOKEN is not set" in result.output
