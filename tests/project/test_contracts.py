"""The import contracts hold, and each of them bites."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("core", "ingest", "storage", "analytics", "notify", "api", "simulators", "wattline")
LINT = "import importlinter.cli; importlinter.cli.lint_imports_command()"

BREACHES = [
    # (module, what it must not import, contract that says so)
    ("core", "import storage", "line"),
    ("core", "import wattline", "line"),
    ("core", "import asyncio", "pure"),
    ("ingest", "import analytics", "strangers"),
    ("ingest", "import storage", "line"),
    ("ingest/decoders", "import httpx", "pure"),
    ("ingest/decoders", "import logging", "pure"),
    ("storage", "import notify", "strangers"),
    ("analytics", "import time", "pure"),
    ("analytics", "import duckdb", "pure"),
    ("notify", "import api", "line"),
    ("simulators", "import ingest", "strangers"),
    ("api", "import storage", "line"),
    ("api", "import simulators", "line"),
    ("wattline", "import tools", "product"),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            target = folder / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    return folder


def _lint(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache", "--no-logo", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_contracts_are_kept(copy: Path) -> None:
    done = _lint(copy)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 kept, 0 broken" in done.stdout


@pytest.mark.parametrize(("module", "statement", "contract"), BREACHES)
def test_a_breach_is_found(copy: Path, module: str, statement: str, contract: str) -> None:
    intruder = copy / module / "intruder.py"
    intruder.write_text(statement + "\n")
    try:
        done = _lint(copy, "--contract", contract)
    finally:
        intruder.unlink()
    assert done.returncode == 1, done.stdout + done.stderr
    assert "0 kept, 1 broken" in done.stdout
    assert f"{module.replace('/', '.')}.intruder" in done.stdout
