"""What docker-compose.yml and the Dockerfile promise: no root, nothing exposed, all pinned, no passwords."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.deploy import add_device, make_secrets
from wattline.stated.configuration import load_settings

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PINNED = re.compile(r"[a-z0-9/.-]+:\d+\.\d+(\.\d+)?(-[a-z-]+)?")

services = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES.keys())


def _instructions() -> list[tuple[str, str]]:
    """Instructions of the Dockerfile: (name, arguments), continuation lines joined."""
    joined = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", " ")
    return [
        (name, rest.strip())
        for name, _, rest in (line.partition(" ") for line in joined.splitlines())
        if name
    ]


def test_all_four_services_are_there() -> None:
    assert SERVICES.keys() == {"mosquitto", "influxdb", "postgres", "wattline"}


@services
def test_a_service_is_checked_and_restarted(service: dict[str, Any]) -> None:
    assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    assert service["restart"] == "unless-stopped"
    assert service["stop_grace_period"]


@services
def test_a_service_is_confined(service: dict[str, Any]) -> None:
    user, _, group = service["user"].partition(":")
    assert int(user) > 0
    assert int(group) > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.keys() & {"privileged", "cap_add", "network_mode", "pid", "ipc", "devices"}


@services
def test_a_service_has_limits(service: dict[str, Any]) -> None:
    limits = service["deploy"]["resources"]["limits"]
    assert limits["memory"]
    assert limits["pids"] > 0
    assert service["logging"]["options"]["max-size"]


@services
def test_an_image_is_pinned(service: dict[str, Any]) -> None:
    assert PINNED.fullmatch(service["image"])


def test_state_is_in_named_volumes_and_all_else_is_read_only() -> None:
    mounts = [volume.split(":") for service in SERVICES.values() for volume in service["volumes"]]
    ours = [mount for mount in mounts if mount[0].startswith("./")]
    assert [mount for mount in ours if mount[2:] != ["ro"]] == []
    assert {mount[0] for mount in mounts if mount not in ours} == COMPOSE["volumes"].keys()


def test_only_two_ports_are_published_and_on_this_machine_alone() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {
        "mosquitto": ["${MQTT_BIND:-127.0.0.1}:${MQTT_PORT:-8883}:8883"],
        "wattline": ["${HTTP_BIND:-127.0.0.1}:${HTTP_PORT:-8420}:8420"],
    }


def test_stores_are_reached_by_wattline_alone() -> None:
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert SERVICES["influxdb"]["networks"] == ["inside"]
    assert SERVICES["postgres"]["networks"] == ["inside"]


def test_no_password_stands_in_the_file() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|TOKEN|SECRET", name):
                assert str(value).startswith("/run/secrets/"), name
    for name, secret in COMPOSE["secrets"].items():
        assert secret["file"].startswith("./secrets/"), name
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {"secrets/", ".env"} <= set(ignored)


def test_every_secret_is_made(tmp_path: Path) -> None:
    make_secrets(tmp_path / "secrets", [])
    for secret in COMPOSE["secrets"].values():
        assert (tmp_path / secret["file"]).stat().st_size > 20
    for name in SERVICES["wattline"]["env_file"]:
        assert (tmp_path / name).stat().st_size > 20
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0
    before = {path: path.read_bytes() for path in (tmp_path / "secrets").rglob("*") if path.is_file()}
    make_secrets(tmp_path / "secrets", [])
    assert {path: path.read_bytes() for path in before} == before


def test_an_older_installation_gets_the_accounts_that_it_lacks(tmp_path: Path) -> None:
    make_secrets(tmp_path, [])
    accounts = tmp_path / "mqtt" / "passwords"
    lines = accounts.read_text().splitlines(keepends=True)
    accounts.chmod(0o644)
    accounts.write_text("".join(line for line in lines if not line.startswith(("watch:", "import:"))))
    add_device(tmp_path, "meter-17")
    older = accounts.read_text()
    make_secrets(tmp_path, [])
    assert accounts.read_text().startswith(older)
    names = [line.partition(":")[0] for line in accounts.read_text().splitlines()]
    assert names == ["wattline", "health", "meter-17", "watch", "import"]


def test_the_account_that_reads_the_brokers_figures_is_not_the_one_that_reads_messages() -> None:
    """Where the account is the client id, each would end the other's session."""
    environment = SERVICES["wattline"]["environment"]
    assert environment["WATTLINE_BROKER__WATCH_USERNAME"] != environment["WATTLINE_BROKER__USERNAME"]


def test_every_variable_has_a_default_and_is_explained() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    used = set(re.findall(r"\$\{(\w+):-[^}]+\}", text))
    assert used == set(re.findall(r"(?<!\$)\$\{?([A-Z]\w*)", text))
    assert used == set(re.findall(r"^#(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


def test_wattline_understands_its_settings(tmp_path: Path) -> None:
    environment = SERVICES["wattline"]["environment"]
    url = "postgresql+psycopg://wattline:x@postgres/wattline"
    settings = load_settings(tmp_path, {**environment, "WATTLINE_REGISTRY__URL": url})
    assert settings.broker.kind == "external"
    assert settings.broker.tls
    assert settings.store.kind == "influx"
    assert settings.registry_url == url
    broker = settings.broker
    for path in (
        broker.ca_file,
        broker.password_file,
        broker.watch_password_file,
        broker.import_password_file,
        settings.store.password_file,
    ):
        assert path is not None
        assert path.parent == Path("/run/secrets")
        assert path.name in SERVICES["wattline"]["secrets"]


def test_the_image_runs_without_root_and_reports_its_health() -> None:
    names = [name for name, _ in _instructions()]
    users = [arguments for name, arguments in _instructions() if name == "USER"]
    assert users == [SERVICES["wattline"]["user"]]
    assert names.index("USER") < names.index("CMD")
    health = next(arguments for name, arguments in _instructions() if name == "HEALTHCHECK")
    assert "/healthz" in health
    assert ("WORKDIR", "/app") in _instructions()
    assert "PYTHONPATH=/app" in DOCKERFILE


def test_the_image_is_built_on_pinned_ones() -> None:
    bases = [arguments.split()[0] for name, arguments in _instructions() if name == "FROM"]
    assert len(bases) == 3
    assert [base for base in bases if not PINNED.fullmatch(base)] == []


def test_the_image_holds_every_package_and_nothing_unneeded() -> None:
    copied = {arguments.split()[0].rstrip("/") for name, arguments in _instructions() if name == "COPY"}
    packages = {
        path.parent.name
        for path in ROOT.glob("*/__init__.py")
        if path.parent.name not in {"tools", "tests", "bench"}
    }
    assert packages <= copied
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored  # everything is left out but what is named
    named = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert packages <= named
    assert not named & {"secrets", "data", ".git", "tests"}
