"""The targets of make, and what they do when something is missing."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import debian, page, step

ROOT = Path(__file__).parents[2]


def test_make_lists_its_targets() -> None:
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("run", "test", "check", "bench", "fuzz", "faults", "lock", "clean"):
        assert f"make {target} " in listed


@pytest.mark.parametrize(
    ("code", "ci", "passed"),
    [
        ("def test(): pytest.skip('no server')", "true", 0),
        ("@pytest.mark.skip\ndef test(): pass", "true", 0),
        ("pytest.importorskip('no_such_module')\ndef test(): pass", "true", 0),
        ("@pytest.mark.xfail\ndef test(): assert 0", "true", 1),
        ("def test(): pytest.skip('no server')", "", 1),
    ],
)
@pytest.mark.parametrize("workers", [0, 2])
def test_a_skip_is_a_failure_under_ci(tmp_path: Path, code: str, ci: str, passed: int, workers: int) -> None:
    shutil.copy(ROOT / "conftest.py", tmp_path)
    (tmp_path / "test_one.py").write_text(f"import pytest\n{code}\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", str(workers), "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env=os.environ | {"CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) == passed, done.stdout


def _page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, node: str | None) -> None:
    """A page that wants Node.js 20.19, and a PATH with this answer of `node --version`."""
    web, programs = tmp_path / "web", tmp_path / "bin"
    web.mkdir()
    programs.mkdir()
    (web / "package.json").write_text(json.dumps({"engines": {"node": ">=20.19"}, "scripts": {}}))
    for name, answer in (("node", node), ("npm", "11.0.0")):
        if answer:
            (programs / name).write_text(f"#!/bin/sh\necho {answer}\n")
            (programs / name).chmod(0o755)
    monkeypatch.setattr(page, "WEB", web)
    monkeypatch.setenv("PATH", str(programs))


@pytest.mark.parametrize(
    ("node", "told"),
    [
        (None, "no Node.js on PATH; install Node.js 20.19 or newer with npm"),
        ("v18.20.4", "Node.js 18.20.4 is too old; install Node.js 20.19 or newer with npm"),
        ("v20.9.0", "Node.js 20.9.0 is too old; install Node.js 20.19 or newer with npm"),
    ],
)
def test_without_node_the_page_is_left_out(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    node: str | None,
    told: str,
) -> None:
    _page(tmp_path, monkeypatch, node)
    page.main("build", strict=False)
    assert capsys.readouterr().out == f"wattline: the page is left out: {told}\n"
    with pytest.raises(SystemExit):
        page.main("build", strict=True)


def test_without_rights_missing_servers_are_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(debian, "NEEDS", (debian.Need("no-such-broker", "broker-package", "MQTT"),))
    monkeypatch.setenv("SETUP_APT", "no")
    monkeypatch.setenv("CI", "")
    debian.main()
    told = "wattline: SETUP_APT=no, so these tests are left out: MQTT (packages: broker-package)\n"
    assert capsys.readouterr().out == told
    monkeypatch.setenv("CI", "true")
    with pytest.raises(SystemExit):
        debian.main()


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("OSError: [Errno 30] Read-only file system: '.venv'", "the disk is read-only"),
        (
            "WARNING: Retrying … NewConnectionError(…)\nERROR: No matching distribution found",
            "does not answer",
        ),
        ("npm error code ENOTFOUND", "does not answer"),
        ("ERROR: No matching distribution found for x==1", "has no such package"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "not the one that was pinned"),
    ],
)
def test_a_known_failure_says_what_to_change(output: str, told: str) -> None:
    assert told in (step.cause(output) or "")


def _bench(tmp_path: Path, code: str) -> subprocess.CompletedProcess[str]:
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "shared.py").write_text("print('not a benchmark')")
    (tmp_path / "bench" / "one.py").write_text(f'if __name__ == "__main__":\n    {code}\n')
    command = [sys.executable, "-m", "tools.bench"]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)


def test_a_benchmark_ends_with_one_line_of_json(tmp_path: Path) -> None:
    done = _bench(tmp_path, "print('reading'); print('{\"ratio\": 2.5}')")
    assert done.returncode == 0
    assert json.loads(done.stdout.splitlines()[-1]) == {"bench": "one", "ratio": 2.5}


@pytest.mark.parametrize("code", ["print('fast')", "raise SystemExit(3)", "print(1)"])
def test_a_benchmark_without_a_result_fails(tmp_path: Path, code: str) -> None:
    done = _bench(tmp_path, code)
    assert done.returncode == 1
    assert "error" in json.loads(done.stdout.splitlines()[-1])
