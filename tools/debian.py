"""Install the servers and the browser that the tests use, where apt-get may: `python -m tools.debian`.

Tests start instances of their own on free ports, so services that an installation here started are stopped
and kept from starting at boot. What was installed before is left alone. SETUP_APT=no installs nothing.
"""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from tools.step import cause, run, say, stop

ROOT = Path(__file__).resolve().parent.parent


class Need(NamedTuple):
    """One thing that tests look for: where it may be, Debian's package, and what is skipped without it."""

    program: str  # a name on PATH, or a pattern of paths
    package: str
    tests: str
    service: str = ""


NEEDS = (
    Need("mosquitto", "mosquitto", "MQTT", "mosquitto"),
    Need("mosquitto_pub", "mosquitto-clients", "MQTT"),
    Need("influxd", "influxdb", "InfluxDB", "influxdb"),
    Need("/usr/lib/postgresql/*/bin/postgres", "postgresql", "PostgreSQL", "postgresql"),
    Need("chromium", "chromium", "browser"),
    Need("chromedriver", "chromium-driver", "browser"),
    Need("/usr/share/fonts/opentype/noto/NotoSansCJK-*", "fonts-noto-cjk", "picture of the page"),
)


def main() -> None:
    """Install what is missing, or say in one line which tests do without."""
    missing = [need for need in NEEDS if not _present(need)]
    if missing:
        why_not = _install(missing)
        missing = [need for need in missing if not _present(need)]
    if not missing:
        return
    packages = " ".join(need.package for need in missing)
    tests = ", ".join(dict.fromkeys(need.tests for need in missing))
    line = f"{why_not or 'not installed'}, so these tests are left out: {tests} (packages: {packages})"
    if os.environ.get("CI") == "true":
        stop(line)
    say(line)


def _present(need: Need) -> bool:
    if need.program.startswith("/"):
        return bool(glob.glob(need.program))  # noqa: PTH207  absolute pattern
    return (
        shutil.which(need.program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin") is not None
    )


def _install(missing: list[Need]) -> str:
    """Install the packages that apt offers of those missing; return why some or all were not, or ""."""
    if os.environ.get("SETUP_APT") == "no":
        return "SETUP_APT=no"
    if shutil.which("apt-get") is None:
        return "this system has no apt-get"
    root = _as_root()
    if root is None:
        return "apt-get needs root or sudo without a password"
    say(f"installing for the tests: {' '.join(need.package for need in missing)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run("reading Debian's package lists", [*root, "apt-get", "update"], cwd=ROOT, env=environment)
    offered = [need for need in missing if _offered(need.package)]
    if not offered:
        return "apt offers none of them"
    # sudo drops the environment, so the front end is named on the command line too
    command = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y"]
    command += ["--no-install-recommends", *(need.package for need in offered)]
    code, output = run("installing Debian packages", command, cwd=ROOT, env=environment)
    for need in offered:
        if need.service:
            _stop(root, need.service)
    if code:
        errors = [line for line in output.splitlines() if line.startswith("E:")]
        return f"apt-get failed ({cause(output) or (errors or ['no reason given'])[0]})"
    return "" if len(offered) == len(missing) else "apt does not offer all of them"


def _as_root() -> list[str] | None:
    """The prefix that makes a command run as root without asking, or None."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:
        return [sudo, "-n"]
    return None


def _offered(package: str) -> bool:
    policy = subprocess.run(["apt-cache", "policy", package], capture_output=True, text=True, check=False)
    return "Candidate:" in policy.stdout and "Candidate: (none)" not in policy.stdout


def _stop(root: list[str], service: str) -> None:
    """Stop a service that has just been installed and keep it from starting at boot."""
    if Path("/run/systemd/system").exists():
        command = [*root, "systemctl", "disable", "--now", service]
    else:
        command = [*root, "service", service, "stop"]
    subprocess.run(command, capture_output=True, check=False)


if __name__ == "__main__":
    main()
