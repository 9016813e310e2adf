"""Which shard takes what, and what it takes over from another layout."""

import itertools

import numpy as np
import pytest

from core.batch import PositionBatch, ReadingBatch
from core.estate import Estate
from core.model import Device, DeviceKind, Name, Place, PlaceKind
from core.ports import Checkpoint
from storage.registry import open_registry
from wattline.assemble import ReceiveClock
from wattline.shards import MOST, SLOTS, Shard
from wattline.stages.checkpoints import Checkpoints
from wattline.stages.state import Known, State

NAME = Name("名", "name")
LAYOUTS = [[Shard(index, count) for index in range(count)] for count in range(1, MOST + 1)]


@pytest.mark.parametrize("text", ["0/0", "2/2", "1", "-1/2", "0/17", "a/b", "0/2/3", ""])
def test_a_shard_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="write i/n"):
        Shard.parse(text)


@pytest.mark.parametrize("layout", LAYOUTS, ids=len)
def test_every_topic_belongs_to_one_shard(layout):
    topics = [f"wattline/v1/meter-{number}/readings" for number in range(300)]
    topics += ["", "/", "a", "wattline/v1/", "wattline/v1//readings", "$SYS/x", "wattline/v1/表/position"]
    assert all(sum(shard.wants(topic) for shard in layout) == 1 for topic in topics)


@pytest.mark.parametrize("layout", LAYOUTS, ids=len)
def test_a_device_goes_with_its_topics(layout):
    for shard, device in itertools.product(layout, ("m", "meter-17", "表")):
        for leaf in ("readings", "position"):
            assert shard.wants(f"wattline/v1/{device}/{leaf}") == shard.owns(device)


def test_no_two_shards_stamp_the_same_time():
    shards = [shard for layout in LAYOUTS for shard in layout]
    assert sorted(shard.slot for shard in shards) == list(range(SLOTS))
    for shard in shards:
        clock = ReceiveClock(2**62, shard.slot)
        times = [clock() for _ in range(3)]
        assert times == sorted(set(times))
        assert {time_us % SLOTS for time_us in times} == {shard.slot}


@pytest.fixture
def registry(tmp_path):
    registry = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}")
    devices = tuple(
        Device(f"d{number}", DeviceKind.METER, "p", NAME, expected_interval_s=60) for number in range(40)
    )
    registry.put_estate(Estate((Place("p", PlaceKind.BUILDING, NAME, "UTC"),), devices))
    registry.add_registers([(device.id, "power_active") for device in devices])
    yield registry
    registry.close()


def known_of(registry):
    return Known.of(registry.catalog(), registry.rules())


def hand_down(registry, shard, watermark_us, value):
    """A shard ran, heard this value from every device, and left."""
    known = known_of(registry)
    state = State.empty(known)
    state.newest.last_value[:] = value
    state.late = {number: [(value, value)] for number in range(40)}
    checkpoints = Checkpoints(registry, shard)
    checkpoints.save(Checkpoint(watermark_us, state.save(known)))
    checkpoints.leave()


def test_a_new_layout_takes_over_the_state_of_the_owner_of_each_register(registry):
    hand_down(registry, Shard(0, 2), 100, 1)
    hand_down(registry, Shard(1, 2), 90, 2)
    known = known_of(registry)
    for shard in LAYOUTS[2]:
        restored = Checkpoints(registry, shard).restore(known)
        for register in known.catalog.registers:
            value = restored.state.newest.last_value[register.id]
            owner = 1 if Shard(0, 2).owns(register.device_id) else 2
            if shard.owns(register.device_id):
                assert value == owner
                assert restored.state.late[register.id] == [(owner, owner)]
            else:
                assert np.isnan(value)
                assert register.id not in restored.state.late
        assert (restored.since_us, restored.until_us) == (90, 100)


def test_only_what_its_owner_had_not_seen_is_derived_again(registry):
    hand_down(registry, Shard(0, 2), 100, 1)
    hand_down(registry, Shard(1, 2), 90, 2)
    restored = Checkpoints(registry, Shard(0, 3)).restore(known_of(registry))
    ids = np.arange(40, dtype=np.int32)
    readings = ReadingBatch(ids, ids.astype(np.int64), ids * 1.0, np.zeros(40, np.uint8), np.full(40, 95))
    new, _ = restored.new(readings, PositionBatch.empty())
    mine = [n for n in range(40) if Shard(0, 3).owns(f"d{n}") and Shard(1, 2).owns(f"d{n}")]
    assert new.register.tolist() == mine


def test_the_newest_state_counts_when_layouts_come_back(registry):
    hand_down(registry, Shard(0, 2), 100, 1)
    hand_down(registry, Shard(1, 2), 90, 2)
    hand_down(registry, Shard(), 110, 3)
    restored = Checkpoints(registry, Shard(1, 2)).restore(known_of(registry))
    heard = restored.state.newest.last_value
    assert set(heard[~np.isnan(heard)]) == {3.0}


def test_a_shard_waits_until_all_of_another_layout_have_left(registry):
    mine = Checkpoints(registry, Shard(0, 3))
    assert mine.not_left() == []
    Checkpoints(registry, Shard(0, 2)).save(Checkpoint(1, b""))
    assert mine.not_left() == [Shard(0, 2), Shard(1, 2)]
    hand_down(registry, Shard(0, 2), 5, 1)
    assert mine.not_left() == [Shard(1, 2)]
    hand_down(registry, Shard(1, 2), 5, 1)
    assert mine.not_left() == []


def test_a_shard_that_has_state_goes_on_with_it(registry):
    hand_down(registry, Shard(), 5, 1)
    known, mine = known_of(registry), Checkpoints(registry, Shard(1, 2))
    mine.save(Checkpoint(7, State.empty(known).save(known)))
    assert mine.not_left() == []
    assert mine.restore(known).until_us == 7


def test_the_state_of_all_shards_is_seen_as_one(registry):
    known = known_of(registry)
    for shard, value in ((Shard(0, 2), 1.0), (Shard(1, 2), 2.0)):
        state = State.empty(known)
        state.newest.last_value[[shard.owns(f"d{n}") for n in range(40)]] = value
        Checkpoints(registry, shard).save(Checkpoint(9, state.save(known)))
    heard = Checkpoints(registry).everything(known).state.newest.last_value
    assert [1.0 if Shard(0, 2).owns(f"d{n}") else 2.0 for n in range(40)] == heard.tolist()
