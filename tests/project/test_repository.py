"""What has to hold for every file of the repository."""

import importlib
import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("core", "ingest", "storage", "analytics", "notify", "api", "simulators", "wattline", "tools")

# Put together here, so that this file does not name what no file may name.
REGISTRY_HOSTS = tuple(
    f"{name}.{end}"
    for name, end in (
        ("pypi", "org"),
        ("files.pythonhosted", "org"),
        ("registry.npmjs", "org"),
        ("npmjs", "com"),
        ("registry.npmmirror", "com"),
        ("registry.yarnpkg", "com"),
        ("crates", "io"),
        ("proxy.golang", "org"),
        ("repo1.maven", "org"),
        ("deb.debian", "org"),
        ("mirrors.aliyun", "com"),
        ("mirrors.tuna.tsinghua", "edu.cn"),
    )
)


def _files(*endings: str) -> list[Path]:
    """Files that are in git or would be added, with one of the endings."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    files = [ROOT / name for name in listed if name and (not endings or name.endswith(endings))]
    return [path for path in files if path.is_file()]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def test_licence_is_apache_2() -> None:
    licence = _text(ROOT / "LICENSE")
    assert "Apache License" in licence
    assert "Version 2.0, January 2004" in licence
    assert "END OF TERMS AND CONDITIONS" in licence


def test_no_file_names_a_package_registry() -> None:
    named = [
        (str(path.relative_to(ROOT)), host)
        for path in _files()
        for host in REGISTRY_HOSTS
        if host in _text(path)
    ]
    assert named == []


def test_npm_lock_holds_hashes_and_no_addresses() -> None:
    packages = json.loads(_text(ROOT / "web" / "package-lock.json"))["packages"]
    assert [name for name, entry in packages.items() if "resolved" in entry] == []
    assert [name for name, entry in packages.items() if name and "integrity" not in entry] == []


@pytest.mark.parametrize(("name", "least"), [("run.txt", 21), ("dev.txt", 21), ("fuzz.txt", 2)])
def test_every_requirement_is_pinned_with_hashes(name: str, least: int) -> None:
    content = re.sub(r"^\s*#.*\n", "", _text(ROOT / "requirements" / name), flags=re.MULTILINE)
    entries = content.replace("\\\n", " ").strip().splitlines()
    pinned = re.compile(r"[a-z0-9-]+(\[[a-z,]+\])?==[^\s;]+( ; [^\\]+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*")
    assert len(entries) >= least
    assert [entry for entry in entries if not pinned.fullmatch(entry)] == []


def test_tests_run_on_the_versions_that_run_in_production() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^[a-z0-9-]+==\S+", _text(ROOT / "requirements" / name), re.MULTILINE))

    assert pins("run.txt") <= pins("dev.txt")


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_is_the_checkouts_own(package: str) -> None:
    """Flat names such as `analytics` could be shadowed by something installed."""
    origin = importlib.import_module(package).__file__
    assert origin is not None
    assert Path(origin).is_relative_to(ROOT / package)


def test_no_module_is_longer_than_350_lines() -> None:
    lengths = {
        str(path.relative_to(ROOT)): _text(path).count("\n") for path in _files(".py", ".ts", ".vue", ".sh")
    }
    assert {name: length for name, length in lengths.items() if length > 350} == {}


def test_links_between_documents_resolve() -> None:
    broken = []
    for document in _files(".md"):
        prose = re.sub(r"```.*?```|`[^`\n]*`", "", _text(document), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)|<img[^>]+src=\"([^\"]+)\"", prose):
            link = "".join(target)
            if re.match(r"[a-z]+:", link):
                continue
            name, _, anchor = link.partition("#")
            path = (document.parent / name).resolve() if name else document
            if not path.exists() or (anchor and anchor not in _anchors(path)):
                broken.append((str(document.relative_to(ROOT)), link))
    assert broken == []


def _anchors(document: Path) -> set[str]:
    """Anchors of the headings, as forges make them."""
    headings = re.findall(r"^#+\s+(.+?)\s*$", _text(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
