"""Setting up .venv: one line when it can't be done, and no half-made environment that looks whole."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _checkout(folder: Path) -> Path:
    """A checkout whose requirements are empty, so that nothing is downloaded."""
    shutil.copytree(ROOT / "tools", folder / "tools")
    (folder / "requirements").mkdir()
    for name in ("run.txt", "dev.txt"):
        (folder / "requirements" / name).write_text("# nothing\n")
    return folder


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = _checkout(tmp_path_factory.mktemp("set-up") / "checkout")
    first = _set_up(folder, "dev")
    assert first.returncode == 0, first.stderr
    assert "installing" in first.stdout
    return folder


def _set_up(checkout: Path, wanted: str = "run") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.environment", wanted],
        cwd=checkout,
        env=os.environ | {"PIP_NO_INDEX": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("wanted", ["run", "dev"])
def test_a_second_set_up_does_nothing(installed: Path, wanted: str) -> None:
    again = _set_up(installed, wanted)
    assert (again.returncode, again.stdout) == (0, "")


def test_changed_requirements_are_installed_once(installed: Path) -> None:
    (installed / "requirements" / "dev.txt").write_text("# changed\n")
    assert "installing" in _set_up(installed, "dev").stdout
    assert _set_up(installed, "dev").stdout == ""


def test_a_moved_checkout_gets_its_own_environment(installed: Path) -> None:
    moved = installed.rename(installed.with_name("moved"))
    try:
        assert "installing" in _set_up(moved).stdout
    finally:
        moved.rename(installed)
        _set_up(installed, "dev")


def test_a_half_made_environment_is_made_again(tmp_path: Path) -> None:
    checkout = _checkout(tmp_path / "checkout")
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").write_text("cut off")
    assert _set_up(checkout).returncode == 0
    assert subprocess.run([checkout / ".venv" / "bin" / "python", "-c", ""], check=False).returncode == 0


def test_a_failed_installation_is_one_line_and_tried_again(tmp_path: Path) -> None:
    checkout = _checkout(tmp_path / "checkout")
    pin = f"wattline-nowhere==1 --hash=sha256:{'0' * 64}\n"
    (checkout / "requirements" / "run.txt").write_text(pin)
    for _ in range(2):
        failed = _set_up(checkout)
        assert failed.returncode == 1
        assert failed.stderr.count("\n") == 1
        assert failed.stderr.startswith("wattline: cannot install the Python packages: ")
        assert "has no such package" in failed.stderr


def _find_python(folder: Path, *pythons: tuple[str, str]) -> subprocess.CompletedProcess[str]:
    """Look for Python where PATH has only these: (name, what its answer to the question is)."""
    folder.mkdir()
    for name, answer in pythons:
        (folder / name).write_text(f"#!/bin/sh\necho '{answer}'\n")
        (folder / name).chmod(0o755)
    for tool in ("sh", "cut"):
        (folder / tool).symlink_to(shutil.which(tool) or tool)
    environment = {"PATH": str(folder)}
    command = [str(folder / "sh"), str(ROOT / "tools" / "find_python.sh")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_python_that_fits_is_found_among_others(tmp_path: Path) -> None:
    pythons = (
        ("python3", "3 9 /usr/bin/python3.9"),
        ("python3.12", ""),
        ("python3.13", "3 13 /opt/python3.13"),
    )
    assert _find_python(tmp_path / "bin", *pythons).stdout == "/opt/python3.13\n"


def test_this_python_is_found() -> None:
    environment = os.environ | {"SETUP_PYTHON": sys.executable}
    command = ["sh", str(ROOT / "tools" / "find_python.sh")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert Path(done.stdout.strip()).samefile(sys.executable)


@pytest.mark.parametrize(
    ("pythons", "told"),
    [
        ((), "needs Python 3.11 to 3.14 on PATH (found: none)"),
        ((("python3", "3 9 /usr/bin/python3"),), "needs Python 3.11 to 3.14 on PATH (found: 3.9)"),
        ((("python3", "3 15 /usr/bin/python3"),), "needs Python 3.11 to 3.14 on PATH (found: 3.15)"),
        ((("python3", "3 11 -"),), "Python 3.11 has no venv module"),
    ],
)
def test_a_missing_python_is_one_clear_line(
    tmp_path: Path, pythons: tuple[tuple[str, str], ...], told: str
) -> None:
    done = _find_python(tmp_path / "bin", *pythons)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert told in done.stderr
