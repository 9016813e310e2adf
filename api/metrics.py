"""The pipeline's counters in the Prometheus text format.

Written here and not with prometheus-client: the feed hands out totals by finished metric
name, labels included, which that library would have to take apart to put together again.
"""

from itertools import groupby

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(values: dict[str, float]) -> str:
    """One line a value, families together; a name that ends in _total is a counter."""
    lines: list[str] = []
    for family, members in groupby(sorted(values, key=lambda name: (_family(name), name)), key=_family):
        lines.append(f"# TYPE {family} {'counter' if family.endswith('_total') else 'gauge'}")
        lines.extend(f"{name} {_number(values[name])}" for name in members)
    return "".join(f"{line}\n" for line in lines)


def _family(name: str) -> str:
    return name.partition("{")[0]


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
