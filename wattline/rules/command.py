"""`python -m wattline rules`: `test FILE…` plays cases, `preview` tries a rule on history."""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from core.errors import ConfigError
from storage.registry import open_registry
from wattline.rules.case import Case, load
from wattline.rules.check import failures
from wattline.rules.play import play
from wattline.rules.preview_command import add_preview
from wattline.stated.settings import Settings


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command; it gets settings from the caller beside its options."""
    parser = commands.add_parser("rules", help="try rules before you trust them")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    test = actions.add_parser("test", help="play cases from YAML files: what happens, what rules should say")
    test.add_argument("files", type=Path, nargs="+", metavar="FILE", help="see docs/alerts.md")
    test.add_argument("--case", default="", metavar="WORDS", help="only cases with these words in the title")
    test.set_defaults(command=_test)
    add_preview(actions)


def _test(options: argparse.Namespace, _: Settings) -> int:
    console = Console(highlight=False, soft_wrap=True)
    cases, mistakes = [], []
    for path in options.files:
        try:
            cases += [case for case in load(path) if options.case.lower() in case.title.lower()]
        except ConfigError as error:
            mistakes += error.mistakes
    if mistakes:
        raise ConfigError(mistakes)
    failed = 0
    for case, found in results(cases):
        console.print("FAILED" if found else "ok", f" {case.file.name}: {case.title}", markup=False)
        for line in found:
            console.print(f"    {line}", markup=False)
        failed += bool(found)
    console.print(f"{len(cases)} {'case' if len(cases) == 1 else 'cases'}, {failed} failed", markup=False)
    return 1 if failed or not cases else 0


def results(cases: Sequence[Case]) -> "list[tuple[Case, list[str]]]":
    """Each case with what is other than it expected."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        template = folder / "registry.sqlite"
        open_registry(f"sqlite:///{template}").close()
        found = []
        for number, case in enumerate(cases):
            of_case = folder / str(number)
            of_case.mkdir()
            found.append((case, failures(case, play(case, of_case, template))))
        return found
