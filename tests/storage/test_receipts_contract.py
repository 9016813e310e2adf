"""When devices were heard, on the real stores."""

import numpy as np

from core.receipts import Senders
from tests.storage.batches import NO_POSITIONS, NO_READINGS, NOON_US, catalog, ids, positions, readings

HOUR_US = 3_600_000_000


def senders(*devices):
    return Senders.of(catalog(), ids(*devices))


def rows(receipts):
    return list(zip(receipts.device.tolist(), (receipts.at_us - NOON_US).tolist(), strict=True))


def test_what_came_together_is_one_receipt_of_each_device(store):
    store.append(
        readings(
            (0, NOON_US, 1.0, NOON_US + 5), (1, NOON_US, 2.0, NOON_US + 5), (5, NOON_US, 3.0, NOON_US + 5)
        ),
        NO_POSITIONS,
    )
    store.append(readings((0, NOON_US + 1, 1.0, NOON_US + 9)), NO_POSITIONS)
    assert rows(store.heard(senders(0, 1), NOON_US, NOON_US + 100)) == [(0, 5), (1, 5), (0, 9)]
    assert rows(store.heard(senders(1), NOON_US, NOON_US + 100)) == [(1, 5)]


def test_receipt_counts_and_not_what_the_device_says(store):
    buffered = [(0, NOON_US - days * 24 * HOUR_US, 1.0, NOON_US + 7) for days in range(40)]
    store.append(readings(*buffered, (1, NOON_US + HOUR_US, 1.0, NOON_US + 8)), NO_POSITIONS)
    assert rows(store.heard(senders(0), NOON_US, NOON_US + 100)) == [(0, 7), (0, 8)]
    assert rows(store.heard(senders(0), NOON_US - 24 * HOUR_US, NOON_US + 7)) == []
    assert rows(store.heard(senders(0), NOON_US + 8, NOON_US + 100)) == [(0, 8)]


def test_positions_count_as_well(store):
    store.append(readings((25, NOON_US, 1.0, NOON_US + 3)), positions((5, NOON_US, 30.0, NOON_US + 4)))
    store.append(NO_READINGS, positions((4, NOON_US, 30.0, NOON_US + 6)))
    assert rows(store.heard(senders(4, 5), NOON_US, NOON_US + 100)) == [(5, 3), (5, 4), (4, 6)]
    assert rows(store.last_heard(senders(3, 4, 5), NOON_US + 100)) == [(5, 4), (4, 6)]


def test_the_last_receipt_before_a_time_is_found_however_old(store):
    old = NOON_US - 5000 * HOUR_US
    store.append(
        readings((0, NOON_US, 1.0, old), (1, old, 1.0, old + 5), (5, old, 1.0, NOON_US)), NO_POSITIONS
    )
    found = store.last_heard(senders(0, 1, 2), NOON_US)
    assert (found.device.tolist(), found.at_us.tolist()) == ([0], [old + 5])


def test_an_empty_store_has_heard_nothing(store):
    assert rows(store.heard(senders(0, 5), 0, NOON_US)) == []
    assert rows(store.last_heard(senders(0, 5), NOON_US)) == []
    assert store.pauses(NOON_US, NOON_US + HOUR_US, HOUR_US // 2).tolist() == [[NOON_US, NOON_US + HOUR_US]]


def test_pauses_lie_between_receipts_of_anything(store):
    store.append(readings((0, NOON_US, 1.0, NOON_US + 100)), NO_POSITIONS)
    store.append(readings((5, NOON_US, 1.0, NOON_US + 160)), NO_POSITIONS)
    store.append(NO_READINGS, positions((5, NOON_US, 30.0, NOON_US + 200)))
    store.append(readings((0, NOON_US + 1, 1.0, NOON_US + 270)), NO_POSITIONS)

    def found(longer):
        return (store.pauses(NOON_US, NOON_US + 300, longer) - NOON_US).tolist()

    assert found(60) == [[0, 100], [200, 270]]
    assert found(59) == [[0, 100], [100, 160], [200, 270]]
    assert found(100) == []
    assert store.pauses(NOON_US, NOON_US + 300, 60).dtype == np.int64
