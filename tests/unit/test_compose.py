"""compose.yaml and the image, held against KEL's settings and every file they name.

No Docker runs where tests run: what can be checked without it is checked here.
"""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from kel.cli import COMMANDS
from kel.settings import Settings
from kel.stack import kafka as stack_kafka
from kel.stack.stack import OWN_LOGINS

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
SERVICES = COMPOSE["services"]
KEL = ("migrate", "bridge", "worker", "desk")
PARTS = ("mosquitto", "kafka", "timescaledb", "grafana")
LONG_RUNNING = tuple(name for name in SERVICES if name != "migrate")

# What each process cannot do without, as settings.
NEEDED = {
    "migrate": {"city", "database", "database_password", "reader_password"},
    "bridge": {"city", "mqtt_host", "mqtt_user", "mqtt_password", "kafka", "partitions", "clock"},
    "worker": {"city", "kafka", "database", "database_password", "partitions"},
    "desk": {"city", "mqtt_host", "mqtt_user", "mqtt_password", "database", "database_password"},
}
SECRET = re.compile(r"PASSWORD|TOKEN|SECRET|MQTT_LOGIN_")
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


def _environment(service):
    return {k: str(v) for k, v in SERVICES[service].get("environment", {}).items()}


def _strings(thing):
    if isinstance(thing, str):
        yield thing
    elif isinstance(thing, dict):
        for value in thing.values():
            yield from _strings(value)
    elif isinstance(thing, list):
        for value in thing:
            yield from _strings(value)


def _mounts(service):
    """(what, where) of the service's volumes, variables by their defaults."""
    text = [VARIABLE.sub(lambda m: m[3], v) for v in SERVICES[service].get("volumes", [])]
    return [tuple(v.split(":")[:2]) for v in text]


def test_all_services_are_there():
    assert set(SERVICES) == {*PARTS, *KEL}


@pytest.mark.parametrize("service", PARTS)
def test_a_foreign_image_has_an_exact_tag(service):
    assert re.fullmatch(r"[\w./-]+:\d+\.\d+\.\d+(-pg\d+)?", SERVICES[service]["image"])


def test_kafka_is_the_one_that_the_demo_runs():
    pom = (ROOT / "kafka/pom.xml").read_text("utf-8")
    version = SERVICES["kafka"]["image"].split(":")[1]
    assert f"<version>{version}</version>" in pom or f">{version}<" in pom


def test_kel_s_services_share_one_image_of_this_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    for service in KEL:
        assert SERVICES[service]["image"] == f"kel:{version}"
        assert SERVICES[service]["build"] == "."


@pytest.mark.parametrize("service", LONG_RUNNING)
def test_what_runs_long_is_watched_and_comes_back(service):
    check = SERVICES[service]["healthcheck"]
    assert check["test"][0] in ("CMD", "CMD-SHELL")
    assert {"interval", "timeout", "retries"} <= set(check)
    assert SERVICES[service]["restart"] == "unless-stopped"


def test_migrate_ends_and_is_not_started_again():
    assert SERVICES["migrate"]["restart"] == "no"
    assert SERVICES["migrate"]["command"] == ["kel migrate && kel load"]


@pytest.mark.parametrize("service", ("bridge", "worker", "desk"))
def test_kel_s_commands_exist(service):
    assert SERVICES[service]["command"] == [service]
    assert service in COMMANDS
    assert SERVICES[service]["healthcheck"]["test"] == ["CMD", "kel", "health", service]
    assert {"health", "migrate", "load"} <= set(COMMANDS)


def test_the_kind_of_wait_fits_what_is_waited_for():
    for name, service in SERVICES.items():
        for other, wait in service.get("depends_on", {}).items():
            ends = other == "migrate"
            expected = "service_completed_successfully" if ends else "service_healthy"
            assert wait["condition"] == expected, (name, other)


@pytest.mark.parametrize(
    ("service", "others"),
    [
        ("migrate", {"timescaledb"}),
        ("bridge", {"mosquitto", "kafka", "migrate"}),
        ("worker", {"kafka", "timescaledb", "migrate"}),
        ("desk", {"mosquitto", "timescaledb", "migrate"}),
        ("grafana", {"timescaledb", "migrate"}),
    ],
)
def test_nobody_starts_before_what_it_needs(service, others):
    assert set(SERVICES[service]["depends_on"]) == others


@pytest.mark.parametrize("service", SERVICES)
def test_every_kel_variable_is_a_setting(service):
    fields = {f"KEL_{name.upper()}" for name in Settings.model_fields}
    named = {name for name in _environment(service) if name.startswith("KEL_")}
    assert named <= fields


@pytest.mark.parametrize("service", KEL)
def test_every_needed_setting_is_set(service):
    assert {f"KEL_{name.upper()}" for name in NEEDED[service]} <= set(_environment(service))


@pytest.mark.parametrize("service", ("bridge", "worker", "desk"))
def test_a_process_tells_its_figures_to_its_own_health_check_and_to_this_network(service):
    """Each container has its port for itself, so that as many workers as wanted have the same."""
    environment = _environment(service)
    assert environment["KEL_METRICS_HOST"] == "0.0.0.0"
    assert 0 < int(environment["KEL_METRICS_PORT"]) < 65536
    assert "ports" not in SERVICES[service]


@pytest.mark.parametrize("service", KEL)
def test_the_settings_can_be_read(service, monkeypatch):
    for name, value in _environment(service).items():
        filled = VARIABLE.sub(lambda m: m[3] if m[2] == "-" else "a-secret", value)
        monkeypatch.setenv(name, filled)
    settings = Settings()
    host = settings.database.split("@")[1].split(":")[0]
    assert host in SERVICES
    assert settings.kafka.split(":")[0] in SERVICES
    assert settings.mqtt_host in SERVICES


def test_addresses_are_those_that_the_parts_listen_on():
    kel = _environment("bridge")
    kafka = _environment("kafka")
    assert kafka["KAFKA_ADVERTISED_LISTENERS"] == f"PLAINTEXT://{kel['KEL_KAFKA']}"
    conf = (ROOT / "mosquitto/mosquitto.conf").read_text("utf-8")
    assert f"listener {kel['KEL_MQTT_PORT']}\n" in conf
    postgres = _environment("timescaledb")
    where = f"{postgres['POSTGRES_USER']}@timescaledb:5432/{postgres['POSTGRES_DB']}"
    assert kel["KEL_DATABASE"] == f"postgresql://{where}"
    assert postgres["POSTGRES_PASSWORD"] == kel["KEL_DATABASE_PASSWORD"]


def test_kafka_is_set_up_as_the_demo_s():
    """Every setting of the demo's Kafka that is not a place or a size of this machine."""
    places = {
        "listeners",
        "advertised.listeners",
        "controller.quorum.voters",
        "log.dirs",
        "offsets.topic.num.partitions",
        "log.cleaner.dedupe.buffer.size",
    }
    lines = dict(x.split("=", 1) for x in stack_kafka.PROPERTIES.strip().splitlines())
    given = _environment("kafka")
    for key, value in lines.items():
        if key not in places:
            name = "KAFKA_" + key.upper().replace(".", "_")
            assert given[name].lower() == value.lower(), name


@pytest.mark.parametrize("service", SERVICES)
def test_a_secret_has_no_default_and_is_asked_for(service):
    for name, value in _environment(service).items():
        if SECRET.search(name):
            assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), name


def test_no_secret_is_an_argument():
    for name, service in SERVICES.items():
        check = service.get("healthcheck", {}).get("test", [])
        for part in _strings([service.get("command"), service.get("entrypoint"), check]):
            assert "${" not in part, name


def test_only_what_others_need_is_published_and_here_alone():
    published = {n: s["ports"] for n, s in SERVICES.items() if "ports" in s}
    assert published == {
        "mosquitto": ["${BIND_ADDRESS:-127.0.0.1}:1883:1883"],
        "grafana": ["${BIND_ADDRESS:-127.0.0.1}:3000:3000"],
    }


def test_env_example_names_every_variable_and_no_secret():
    text = (ROOT / ".env.example").read_text("utf-8")
    shown = dict(re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", text, re.MULTILINE))
    used = {m[1]: (m[2], m[3]) for s in _strings(COMPOSE) for m in VARIABLE.finditer(s)}
    assert set(shown) == set(used)
    for name, (kind, default) in used.items():
        assert shown[name] == (default if kind == "-" else "")


def test_git_ignores_the_files_with_secrets():
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert {".env", "mosquitto/logins.env"} <= set(ignored)


def test_mounted_files_and_volumes_exist():
    named = set()
    for service in SERVICES:
        for what, where in _mounts(service):
            assert where.startswith("/")
            if what.startswith("."):
                assert (ROOT / what).exists(), what
            else:
                named.add(what)
    assert named == set(COMPOSE["volumes"])


def test_mosquitto_finds_its_files_where_its_configuration_says():
    text = (ROOT / "mosquitto/mosquitto.conf").read_text("utf-8")
    conf = dict(x.split(" ", 1) for x in text.splitlines() if x and x[0] != "#")
    mounted = {where: what for what, where in _mounts("mosquitto")}
    assert mounted[conf["acl_file"]] == "./mosquitto/acl"
    assert mounted[conf["persistence_location"].rstrip("/")] == "mosquitto-data"
    shell, script, passwords = SERVICES["mosquitto"]["entrypoint"]
    assert (shell, passwords) == ("/bin/sh", conf["password_file"])
    assert mounted[script] == "./mosquitto/docker-entry.sh"
    assert mounted[SERVICES["mosquitto"]["command"][-1]] == "./mosquitto/mosquitto.conf"


def test_kafka_and_postgres_write_into_their_volumes():
    mounted = {where: what for what, where in _mounts("kafka")}
    assert mounted[_environment("kafka")["KAFKA_LOG_DIRS"]] == "kafka-data"
    assert ("timescaledb-data", "/var/lib/postgresql/data") in _mounts("timescaledb")


def test_grafana_is_provisioned_from_what_is_mounted():
    mounted = {where: what for what, where in _mounts("grafana")}
    for kind in ("datasources", "dashboards"):
        assert mounted[f"/etc/grafana/provisioning/{kind}"] == f"./grafana/provisioning/{kind}"
    dashboards = yaml.safe_load((ROOT / "grafana/provisioning/dashboards/kel.yaml").read_text())
    path = dashboards["providers"][0]["options"]["path"]
    assert mounted[path] == "./grafana/dashboards"
    home = Path(_environment("grafana")["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert str(home.parent) == path
    assert (ROOT / "grafana/dashboards" / home.name).exists()


def test_grafana_has_every_variable_and_host_of_its_provisioning():
    text = (ROOT / "grafana/provisioning/datasources/kel.yaml").read_text("utf-8")
    assert set(re.findall(r"\$(\w+)", text)) <= set(_environment("grafana"))
    (source,) = yaml.safe_load(text)["datasources"]
    assert source["url"].split(":")[0] in SERVICES
    assert source["jsonData"]["database"] == _environment("timescaledb")["POSTGRES_DB"]


def test_the_city_is_where_kel_looks_for_it():
    for service in KEL:
        mounted = {where: what for what, where in _mounts(service)}
        assert mounted[_environment(service)["KEL_CITY"]] == "./config/dionysos"
    desk = {where for _, where in _mounts("desk")}
    assert _environment("desk")["KEL_REPORTS"] in desk


def test_logins_are_those_that_the_acl_knows():
    acl = (ROOT / "mosquitto/acl").read_text("utf-8")
    users = set(re.findall(r"^user (\S+)$", acl, re.MULTILINE))
    own = {_environment(s)["KEL_MQTT_USER"] for s in ("bridge", "desk")}
    assert own <= users & set(OWN_LOGINS)
    given = {_login(n) for n in _environment("mosquitto")}
    assert given == own  # the clock's login is a story's: it has no password here
    example = (ROOT / "mosquitto/logins.env.example").read_text("utf-8")
    shown = dict(re.findall(r"^(MQTT_LOGIN_\w+)=(.*)$", example, re.MULTILINE))
    assert not any(shown.values())
    folder = ROOT / "config/dionysos"
    communities = tomllib.loads((folder / "communities.toml").read_text("utf-8"))["community"]
    crews = tomllib.loads((folder / "crews.toml").read_text("utf-8"))["crew"]
    on_call = tomllib.loads((folder / "escalation.toml").read_text("utf-8"))["contact"]
    people = {c["id"] for c in [*communities, *crews, *on_call]}
    assert {_login(n) for n in shown} == (users - set(OWN_LOGINS)) | people


def _login(name):
    return name.removeprefix("MQTT_LOGIN_").lower().replace("_", "-")


# --- The image ---------------------------------------------------------------------------------


def _instructions():
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    return [x.split(maxsplit=1) for x in text.splitlines() if x.strip() and x[0] != "#"]


def test_the_image_is_built_from_what_exists():
    for word, rest in _instructions():
        if word == "COPY" and not rest.startswith("--from"):
            *sources, _ = rest.split()
            assert all((ROOT / source).exists() for source in sources), rest


def test_docker_sees_what_the_project_is_built_from_and_nothing_else():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    found = project["tool"]["setuptools"]["packages"]["find"]["include"]
    needed = {pattern.rstrip("*") for pattern in found}
    needed |= {"pyproject.toml", project["project"]["readme"], "requirements/lock.txt"}
    needed |= set(project["project"]["license-files"])
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [x for x in lines if x and x[0] != "#"]
    assert rules[0] == "*"
    assert {x[1:] for x in rules if x[0] == "!"} == needed


def test_the_image_installs_the_lock_by_hash_and_runs_as_nobody_special():
    words = _instructions()
    runs = " ".join(rest for word, rest in words if word == "RUN")
    assert "--require-hashes --only-binary :all: --requirement requirements/lock.txt" in runs
    assert "--no-deps --no-build-isolation ." in runs
    users = [rest for word, rest in words if word == "USER"]
    assert users == ["kel"]
    assert ["ENTRYPOINT", '["kel"]'] in words
    assert all(re.search(r":\d+\.\d+-slim-bookworm\b", rest) for w, rest in words if w == "FROM")


def test_the_image_has_the_libraries_and_letters_that_set_up_asks_for():
    asked = (ROOT / "setup/debian.sh").read_text("utf-8")
    runs = " ".join(rest for word, rest in _instructions() if word == "RUN")
    (line,) = re.findall(r"absent (libpango.*)", asked)
    assert set(line.split()) <= set(runs.split())
