"""No payload stops the line: each message ends as rows, as counted repetitions, or with a reason."""

import gc
import json
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.decoders import DECODERS
from tests.fuzz.intake import Rig, raw
from tests.fuzz.messages import batches, seeds

EXAMPLES = settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@pytest.fixture(scope="module", params=DECODERS)
def rig(request, tmp_path_factory):
    made = Rig(tmp_path_factory.mktemp("intake"), request.param)
    made.name = request.param
    yield made
    made.close()


@EXAMPLES
@given(st.data())
def test_what_a_message_becomes_does_not_depend_on_its_company(rig, data):
    messages = data.draw(batches(rig.name))
    order = data.draw(st.permutations(range(len(messages))))
    rig.check(messages, list(order), data.draw(st.integers(0, len(messages))))


@settings(EXAMPLES, max_examples=25)
@given(st.data())
def test_no_long_or_deep_payload_stops_the_batch(rig, data):
    messages = data.draw(batches(rig.name, long=True))
    rig.check(messages, list(range(len(messages)))[::-1], 1)


@settings(EXAMPLES, max_examples=25)
@given(st.data())
def test_whatever_was_rejected_can_be_kept(rig, data):
    rig.keep_rejected(data.draw(batches(rig.name)))


def test_every_decoder_has_seeds_of_which_some_are_accepted(rig):
    accepted = [rig.intake.accept(raw(batch)) for batch in seeds(rig.name)]
    assert any(len(each.readings) or len(each.positions) for each in accepted)


@pytest.mark.parametrize(
    "key", ['"', "\\", "\0", "\n", "\x1f", "\x7f", "米", "", " ", "ts ", "value_0", "Record"]
)
def test_no_key_is_too_odd_to_come_again(rig, key):
    """What comes again and again is parsed another way: keys that can't be are no end of it."""
    message = ("wattline/v1/m1/readings", json.dumps({key: 1, "power_active": 7}).encode())
    for _ in range(3):
        rig.check([message, message], [1, 0], 1)


def test_ways_to_parse_what_never_comes_again_are_not_kept(rig):
    """Each costs kilobytes: as many topics as anyone likes may each learn some."""

    def batch(number):
        numbers = range(number * BATCH, (number + 1) * BATCH)
        return raw([(f"wattline/v1/m{at}/readings", b'{"x%d": 1}' % at) for at in numbers for _ in range(3)])

    assert _held_bytes(rig.intake.accept, batch, first=2, last=5) < 6_000_000


BATCH = 1_000


def _held_bytes(accept, batch, first=12, last=28) -> int:
    """What is still held after batches first to last - 1, beyond what those before left behind."""
    for number in range(first):
        accept(batch(number))
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(first, last):
            accept(batch(number))
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("device", "key"),
    [("m1", "x{}"), ("m1", "x{}" + "-" * 3_000), ("m{}" + "-" * 3_000, "power_active")],
    ids=["keys", "long keys", "long devices"],
)
def test_names_that_never_come_again_are_not_kept(rig, device, key):
    """A payload's names are a stranger's: remembering them for good would let him fill the memory."""

    def batch(number):
        return raw(
            [
                (f"wattline/v1/{device.format(at)}/readings", json.dumps({key.format(at): 1}).encode())
                for at in range(number * BATCH, (number + 1) * BATCH)
            ]
        )

    assert _held_bytes(rig.intake.accept, batch) < 4_000_000
