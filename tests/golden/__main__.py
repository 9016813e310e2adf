"""The cases as the table of docs/ledger.md: `python -m tests.golden`."""

from tests.golden.case import Case, load


def row(case: Case) -> str:
    source = case.body["source"]
    told = ", ".join(source.get("issues", ())) or source.get("where", "")
    link = f"[{case.name}](../tests/golden/{case.name}.yaml)"
    return f"| {link} | {case.body['title']} | {source['system']}: {told} |"


def table() -> str:
    head = ["| case | what holds | whose failure |", "|---|---|---|"]
    return "\n".join([*head, *map(row, load())])


if __name__ == "__main__":
    print(table())  # noqa: T201
