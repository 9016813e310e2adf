"""The API against its own OpenAPI description, with generated requests."""

import json
import re
from unittest.mock import sentinel

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from api.app import create_app
from api.services import Services
from core.alerts import AlertState
from core.errors import RejectReason
from core.ports import DeadLetter, PlacePower
from tests.api.test_alerts import record
from tests.api.world import ENERGY, NOW_US, us

# The description does not depend on what is served.
DESCRIPTION = create_app(Services(*[sentinel.port] * 4, None, *[sentinel.call] * 2, "1.2.3")).openapi()
OPERATIONS = [
    (method, path, operation)
    for path, operations in DESCRIPTION["paths"].items()
    for method, operation in operations.items()
]
VALID = [(method, path, GenerationMode.POSITIVE) for method, path, _ in OPERATIONS]
# Any text is a valid part of a path, so only queries and bodies can be wrong.
INVALID = [
    (method, path, GenerationMode.NEGATIVE)
    for method, path, operation in OPERATIONS
    if "requestBody" in operation or any(one["in"] == "query" for one in operation.get("parameters", ()))
]


@pytest.fixture
def described(world):
    """The description of an app that has something of everything to show."""
    world.meter("m0", us("2018-07-02"), [1.0] * 40)
    world.readings("m0", ENERGY, [(NOW_US - i * 60_000_000, float(i)) for i in range(50, 0, -1)])
    fixes = world.fixes(("car1", NOW_US, 29.5, 106.5, 42, 1), ("car2", NOW_US, 29.6, 106.6, 0, 0))
    world.feed.newest_fixes = fixes
    world.feed.powers = [PlacePower("b0", 200.0, 1, 1, NOW_US), PlacePower("b1", None, 1, 0, 0)]
    world.feed.last = {world.register("m0"): (NOW_US, 5.0)}
    record(world, "a1", NOW_US)
    record(world, "a0", NOW_US - 3_600_000_000, state=AlertState.RESOLVED)
    letter = DeadLetter(NOW_US, "x/y", b"\xff", RejectReason.UNKNOWN_TOPIC, "no decoder takes it")
    world.registry.put_dead_letters([letter])
    return schemathesis.openapi.from_asgi("/openapi.json", world.app())


@pytest.mark.parametrize(("method", "path", "mode"), VALID + INVALID)
def test_answers_are_as_described(described, method, path, mode):
    operation = described[path][method]

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    def check(case):
        # A cursor, two edges of a span and a time zone can be well-formed and still be wrong.
        case.call_and_validate(excluded_checks=[positive_data_acceptance])

    check()


def test_every_operation_is_explained():
    tags = {tag["name"] for tag in DESCRIPTION["tags"]}
    for _, path, operation in OPERATIONS:
        assert operation["summary"], path
        assert operation["description"], path
        assert set(operation["tags"]) <= tags
        for status, answer in operation["responses"].items():
            kinds = set(answer["content"])
            assert kinds != {"application/problem+json"} or status >= "400", path
            assert kinds == {"application/problem+json"} or status in ("200", "503"), (path, status)


def test_every_reference_of_the_description_leads_somewhere():
    known = {f"#/components/schemas/{name}" for name in DESCRIPTION["components"]["schemas"]}
    used = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(DESCRIPTION)))
    assert used <= known
    assert "#/components/schemas/Problem" in used
    assert not any("ValidationError" in name for name in known)
