"""What is imported is declared, and what is declared is used."""

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("core", "ingest", "storage", "analytics", "notify", "api", "simulators", "wattline")
OURS = {*PRODUCT, "tools", "tests", "bench", "conftest"}

# Used without being imported: run as a program, named in an address, or found by another package.
UNIMPORTED = {
    "ruff": "make check",
    "mypy": "make check",
    "import-linter": "make check",
    "uv": "make lock",
    "types-pyyaml": "types for mypy",
    "types-openpyxl": "types for mypy",
    "pytest-timeout": "plugin of pytest",
    "pytest-xdist": "plugin of pytest",
    "fastapi-swagger": "api/docs.py serves its files",
    "psycopg": "the registry's address names it: postgresql+psycopg://",
    "websockets": "uvicorn serves the live socket with it",
    "tzdata": "zoneinfo reads it where the system has no time zones",
}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _declared(name: str) -> set[str]:
    lines = (ROOT / "requirements" / name).read_text().splitlines()
    return {_normal(found.group()) for line in lines if (found := re.match(r"[A-Za-z][\w.-]*", line))}


def _imported(*folders: str) -> set[str]:
    """Distributions that provide the third-party modules imported in these folders."""
    modules = set()
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    modules |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                    modules.add(node.module.partition(".")[0])
    # a test may import a neighbour, such as tests/servers.py, by its bare name
    ours = OURS | {path.stem for path in (ROOT / "tests").rglob("*.py")}
    providers = packages_distributions()
    third_party = modules - ours - set(sys.stdlib_module_names)
    return {_normal(providers.get(module, [module])[0]) for module in third_party}


def test_what_the_product_imports_is_declared() -> None:
    assert _imported(*PRODUCT) - _declared("run.in") == set()


def test_what_tests_import_is_declared() -> None:
    declared = _declared("run.in") | _declared("dev.in") | _declared("fuzz.in")
    assert _imported("tests", "bench", "tools") - declared == set()


def test_no_dependency_is_idle() -> None:
    assert _declared("run.in") - _imported(*PRODUCT) - UNIMPORTED.keys() == set()
    assert _declared("dev.in") - _imported("tests", "bench") - UNIMPORTED.keys() == set()
    assert _declared("fuzz.in") - _imported("tests") == set()


def test_every_dependency_has_its_reason() -> None:
    for name in ("run.in", "dev.in", "fuzz.in"):
        lines = (ROOT / "requirements" / name).read_text().splitlines()
        direct = [line for line in lines if line and not line.startswith(("#", "-"))]
        assert [line for line in direct if not re.search(r"  # \S", line)] == []
