"""Secrets of docker-compose.yml: `python -m tools.deploy secrets`, or `device NAME` and so on.

Makes random passwords, a certificate authority and the broker's certificate in secrets/, which git and the
image leave out. What is there already stays as it is, so that own certificates can be put in its place.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

from tools.step import say, stop

ROOT = Path(__file__).resolve().parent.parent
PASSWORDS = ("mqtt_password", "mqtt_watch_password", "mqtt_import_password", "influx_password",
             "influx_token", "influx_wattline", "postgres_password")  # fmt: skip
OWN_ACCOUNTS = ("wattline", "health", "watch", "import")  # named in config/mosquitto/acl
_NAME = r"[A-Za-z0-9._-]{1,64}"
BROKER_USER = 1883  # uid and gid of mosquitto in its image
SERVER_NAMES = ("mosquitto", "localhost")
_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def make_secrets(folder: Path, names: list[str]) -> None:
    """Make every secret that `folder` lacks.

    names: host names or addresses by which devices reach the broker, for its certificate.
    """
    broker = folder / "mqtt"
    broker.mkdir(parents=True, exist_ok=True)
    # Bind-mounted files keep their owner, and containers run as different users: the files can be read by
    # all of them, this folder by nobody but its owner.
    folder.chmod(0o700)
    for name in PASSWORDS:
        _write(folder / name, secrets.token_urlsafe(32))
    database = f"postgresql+psycopg://wattline:{(folder / 'postgres_password').read_text()}@postgres/wattline"
    _write(folder / "wattline.env", f"WATTLINE_REGISTRY__URL={database}\n", mode=0o600)
    _write(broker / "health_password", secrets.token_urlsafe(32))
    _own_accounts(
        broker / "passwords",
        {
            "wattline": (folder / "mqtt_password").read_text(),
            "health": (broker / "health_password").read_text(),
            "watch": (folder / "mqtt_watch_password").read_text(),
            "import": (folder / "mqtt_import_password").read_text(),
        },
    )
    if not (broker / "server.crt").exists():
        _certificates(folder, [*SERVER_NAMES, *names])
    _hand_over(broker)
    say(f"secrets are in {folder}; keep a copy of that folder in a safe place")


def add_device(folder: Path, device: str) -> str:
    """Give a device an account, or a new password if it has one, and return the password."""
    if not re.fullmatch(_NAME, device) or device in OWN_ACCOUNTS:
        stop(f"NAME={device!r} can be no device: use letters, digits, '.', '_' and '-', as in its topic")
    password = secrets.token_urlsafe(24)
    _replace_account(folder, device, _account(device, password))
    return password


def add_certificate(folder: Path, name: str) -> Path:
    """Make a client certificate for an account, and its key; returns the path of the certificate."""
    if not re.fullmatch(_NAME, name):
        stop(f"NAME={name!r} can be no account: use letters, digits, '.', '_' and '-'")
    clients = folder / "clients"
    clients.mkdir(exist_ok=True)
    path = clients / name
    _sign(folder, path, name, "extendedKeyUsage=clientAuth\n")
    return clients / f"{name}.crt"


def remove_device(folder: Path, device: str) -> None:
    """Take a device's account away."""
    if device in OWN_ACCOUNTS:
        stop(f"{device} is the account of Wattline itself")
    if not _replace_account(folder, device, ""):
        stop(f"there is no account named {device!r}")


def _own_accounts(path: Path, passwords: dict[str, str]) -> None:
    """Add those of our own accounts that are missing, as after an upgrade."""
    there = path.read_text() if path.exists() else ""
    known = {line.partition(":")[0] for line in there.splitlines()}
    missing = "".join(_account(*account) for account in passwords.items() if account[0] not in known)
    if missing:
        with path.open("a") as accounts:
            accounts.write(missing)


def _replace_account(folder: Path, name: str, line: str) -> bool:
    """Put `line` in the place of the account's line; tell whether it had one."""
    path = folder / "mqtt" / "passwords"
    if not path.exists():
        stop("there are no secrets yet: run make secrets first")
    lines = path.read_text().splitlines(keepends=True)
    others = [other for other in lines if other.partition(":")[0] != name]
    path.write_text("".join(others) + line)
    return len(others) < len(lines)


def _account(name: str, password: str) -> str:
    """A line of mosquitto's password file: PBKDF2 with SHA-512, as mosquitto_passwd writes it.

    mosquitto hashes on its only thread at every connect; 101 rounds, its own number, are enough because the
    passwords here are random 192 and 256 bits, and more would stretch a reconnect of a whole fleet.
    """
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 101)
    return f"{name}:$7$101${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}\n"


def _certificates(folder: Path, names: list[str]) -> None:
    """Make an authority of our own (unless there is one) and the broker's certificate."""
    broker, key = folder / "mqtt", folder / "ca.key"
    if not key.exists():
        authority: list[str | Path] = [
            "-x509",
            "-days",
            "3650",
            "-subj",
            "/CN=Wattline devices",
            "-keyout",
            key,
        ]
        _openssl("req", *_CURVE, *authority, "-out", broker / "ca.crt")
        key.chmod(0o600)
    numeric = re.compile(r"[0-9.]+|.*:.*")
    alternatives = ",".join(f"{'IP' if numeric.fullmatch(name) else 'DNS'}:{name}" for name in names)
    extensions = f"subjectAltName={alternatives}\nextendedKeyUsage=serverAuth\n"
    _sign(folder, broker / "server", names[-1], extensions)


def _sign(folder: Path, path: Path, name: str, extensions: str) -> None:
    """Make path.key, and path.crt for it, signed by our authority."""
    key, authority = folder / "ca.key", folder / "mqtt" / "ca.crt"
    if not key.exists():
        stop(f"{key} is not there: certificates of an authority of your own are signed where it is kept")
    request, told = Path(f"{path}.csr"), Path(f"{path}.ext")
    told.write_text(extensions)
    _openssl("req", *_CURVE, "-subj", f"/CN={name}", "-keyout", f"{path}.key", "-out", request)
    signed_by: list[str | Path] = ["-CA", authority, "-CAkey", key, "-CAcreateserial", "-extfile", told]
    _openssl("x509", "-req", "-days", "825", "-in", request, *signed_by, "-out", f"{path}.crt")
    for left in (request, told, authority.with_suffix(".srl")):
        left.unlink(missing_ok=True)


def _openssl(*arguments: str | Path) -> None:
    if shutil.which("openssl") is None:
        stop("no openssl on PATH: install it, then run make again")
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        stop(f"openssl {arguments[0]} failed: {done.stderr.strip().splitlines()[-1]}")


def _write(path: Path, content: str, *, mode: int = 0o444) -> None:
    """Write a file that is not there yet."""
    if not path.exists():
        path.write_text(content)
        path.chmod(mode)


def _hand_over(broker: Path) -> None:
    """Make the broker's secret files its own where we may: it warns of one that others can read."""
    mine = os.geteuid() == 0
    for path in broker.iterdir():
        path.chmod(0o600 if mine and path.suffix != ".crt" else 0o644)
        if mine:
            os.chown(path, BROKER_USER, BROKER_USER)


def main(action: str, names: list[str]) -> None:
    """Carry out one action in secrets/ of this checkout."""
    folder = ROOT / "secrets"
    names = [name for name in names if name]
    if action == "secrets":
        make_secrets(folder, names)
    elif len(names) != 1:
        stop(f"which device? make {action} NAME=meter-17")
    elif action == "device":
        print(add_device(folder, names[0]))
        say(f"that is the password of {names[0]}, shown only now")
        say("let a new device in: docker compose kill -s HUP mosquitto")
        say("give a known device its new password: docker compose restart mosquitto")
    elif action == "certificate":
        path = add_certificate(folder, names[0])
        say(f"{path} and its key are for {names[0]} alone; config/mosquitto/README.md: client certificates")
    else:
        remove_device(folder, names[0])
        say(f"{names[0]} has no account any more: docker compose restart mosquitto shuts it out")


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2:])
    except OSError as error:
        stop(f"cannot write {error.filename}: {error.strerror}")
