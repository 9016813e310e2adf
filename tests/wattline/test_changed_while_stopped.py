"""What counts otherwise than when the checkpoint was saved is derived again, whoever was running then."""

import numpy as np
import pytest

from core.batch import BASE_US, ReadingBatch
from core.model import RegisterSettings, Replacement
from core.quality import Quality
from tests.columns import register_columns
from tests.line import Line
from wattline.shards import Shard
from wattline.stages.checkpoints import Checkpoints
from wattline.stages.state import Known
from wattline.stated.configuration import load_estate

ENERGY = "energy_active_import_total"
START_US = 1_772_409_600_000_000
DEVICES = """
devices:
- {{id: m, kind: meter, place_id: hall, name: {{zh: 表, en: meter}},
   registers: [{{quantity: energy_active_import_total, ratio: {ratio}}}]}}
- {{id: other, kind: meter, place_id: hall, name: {{zh: 表, en: meter}}}}
"""


def configure(line, folder, ratio):
    """Write the folder's files and put what they say into the registry, as a start does."""
    folder.mkdir(exist_ok=True)
    places = "places: [{id: hall, kind: building, name: {zh: 楼, en: hall}, timezone: UTC}]"
    (folder / "places.yaml").write_text(places)
    (folder / "devices.yaml").write_text(DEVICES.format(ratio=ratio))
    line.registry.put_estate(load_estate(folder))


class Story:
    """A line that is started, stopped and killed; each value is 15 minutes after the one before."""

    def __init__(self, folder):
        self.folder = folder
        self.line = Line(folder)
        configure(self.line, folder / "config", ratio=1)
        self.line.registry.add_registers([("m", ENERGY), ("other", ENERGY)])
        self.line.begin()
        self.at = 0

    def hear(self, *values):
        """Both meters show these values."""
        for value in values:
            time_us = START_US + self.at * BASE_US
            both = np.full(2, time_us)
            registers, flags = np.arange(2, dtype=np.int32), np.zeros(2, np.uint8)
            self.line.receive(ReadingBatch(registers, both, np.full(2, float(value)), flags, both))
            self.at += 1
        self.line.settle()

    def stop(self):
        self.line.derivation.save()
        self.kill()

    def kill(self):
        self.line.close()
        self.line = Line(self.folder)

    def start(self):
        self.line.begin()

    def pending(self):
        return dict(self.line.derivation.state.late)

    def amounts(self, device="m"):
        return self.line.intervals(device, ENERGY).amount.tolist()


@pytest.fixture
def story(tmp_path):
    made = Story(tmp_path)
    yield made
    made.line.close()


def test_a_ratio_that_is_edited_between_two_starts_holds_from_the_beginning(story, tmp_path):
    story.hear(0, 1, 3)
    story.stop()
    configure(story.line, tmp_path / "config", ratio=40)
    story.start()
    assert list(story.pending()) == [0]
    story.line.settle()
    found = story.line.intervals("m", ENERGY)
    assert found.amount.tolist() == [40.0, 80.0]
    assert all(flags & Quality.LATE for flags in found.quality)
    assert story.amounts("other") == [1.0, 2.0]
    story.hear(4)
    assert story.amounts() == [40.0, 80.0, 40.0]


def test_a_replacement_that_is_registered_while_stopped_holds_from_its_time_on(story):
    story.hear(1000, 1002, 5, 8)
    story.stop()
    swap = Replacement("s", "m", ENERGY, START_US + BASE_US * 4 // 3, 1003.0, 4.0)
    story.line.registry.put_replacement(swap)
    story.start()
    assert story.pending()[0] == [(swap.at_us, START_US + 3 * BASE_US)]
    story.line.settle()
    assert story.amounts() == pytest.approx([2.0, 1.0 + 1.0, 3.0])
    assert story.line.intervals("m", ENERGY).quality[1] & Quality.REPLACED


def test_a_replacement_that_is_taken_back_while_stopped_is_forgotten(story):
    swap = Replacement("s", "m", ENERGY, START_US + BASE_US, 2.0, 2.0, ratio=10.0)
    story.line.registry.put_replacement(swap)
    story.line.take_up()
    story.hear(0, 2, 3)
    assert story.amounts() == [2.0, 10.0]
    story.stop()
    story.line.registry.drop_replacement("s")
    story.start()
    story.line.settle()
    assert story.amounts() == [2.0, 1.0]


def test_what_a_kill_left_to_be_recomputed_is_recomputed(story):
    story.hear(0, 1, 3)
    story.stop()
    story.start()
    story.line.registry.put_register(RegisterSettings("m", ENERGY, ratio=40.0))
    story.line.catalogs.reload()
    story.line.intake.refit()
    assert story.pending()
    story.kill()
    story.start()
    story.kill()
    story.start()
    assert story.pending()
    story.line.settle()
    assert story.amounts() == [40.0, 80.0]


def test_a_setting_that_was_taken_back_after_a_kill_is_noticed(story):
    story.hear(0, 1, 3)
    story.stop()
    story.start()
    story.line.registry.put_register(RegisterSettings("m", ENERGY, ratio=40.0))
    story.line.take_up()
    assert story.amounts() == [40.0, 80.0]
    story.kill()
    story.line.registry.put_register(RegisterSettings("m", ENERGY))
    story.start()
    story.line.settle()
    assert story.amounts() == [1.0, 2.0]


def test_a_change_is_found_by_the_shard_that_takes_over(story):
    story.hear(0, 1, 3)
    story.stop()
    story.line.registry.put_register(RegisterSettings("m", ENERGY, ratio=40.0))
    Checkpoints(story.line.registry).leave()
    known = Known.of(story.line.registry.catalog(), [])
    found = {
        shard.index: Checkpoints(story.line.registry, shard).restore(known).state.late
        for shard in (Shard(0, 2), Shard(1, 2))
    }
    owner = int(Shard(1, 2).owns("m"))
    assert found == {owner: {0: [(0, START_US + 2 * BASE_US)]}, 1 - owner: {}}


def test_unchanged_settings_and_new_meters_put_nothing_in_doubt(story, tmp_path):
    swap = Replacement("s", "m", ENERGY, START_US + BASE_US, 2.0, 2.0, ratio=10.0)
    story.line.registry.put_replacement(swap)
    story.line.take_up()
    story.hear(0, 2, 3)
    story.stop()
    configure(story.line, tmp_path / "config", ratio=1)
    story.line.registry.add_registers([("m", "water_volume_total"), ("other", "power_active")])
    story.start()
    assert story.pending() == {}


def test_all_derived_again_leaves_nothing_in_doubt(story):
    story.hear(0, 1, 3)
    story.stop()
    story.line.registry.put_register(RegisterSettings("m", ENERGY, ratio=40.0))
    story.start()
    story.line.derivation.rederive([0, 1])
    assert story.amounts() == [40.0, 80.0]
    assert story.pending() == {}


COUNTS_WITH = {
    "expected_us": 60_000_000,
    "base_us": 300_000_000,
    "ratio": 2.0,
    "rollover_at": 1e6,
    "max_rate": 7.0,
    "step": 0.5,
    "jitter": 0.1,
    "confirm": 4,
    "sign": -1.0,
}


@pytest.mark.parametrize("name", COUNTS_WITH)
def test_whatever_a_register_counts_with_tells_that_it_is_another(name):
    before = register_columns(3)
    after = register_columns(3)
    getattr(after, name)[1] = COUNTS_WITH[name]
    assert after.changed(before.counting()) == {1: None}
    assert before.changed(after.counting()) == {1: None}


def test_the_bounds_of_a_value_and_gauges_are_no_part_of_the_ledger():
    before, after = register_columns(2, counts=[True, False]), register_columns(2, counts=[True, False])
    after.maximum[:] = 5.0
    after.ratio[1] = after.gauge_ratio[1] = 3.0
    assert after.changed(before.counting()) == {}


def test_what_is_kept_is_the_same_in_every_release():
    columns = register_columns(2, ratio=[1.0, 40.0], max_rate=[np.nan, 0.0], sign=[1.0, -1.0])
    digest = columns.counting().digest.tolist()
    assert digest == [6612719692577152491, 8061522825653092850]
    columns.max_rate[:] = [-np.nan, -0.0]
    assert columns.counting().digest.tolist() == digest
