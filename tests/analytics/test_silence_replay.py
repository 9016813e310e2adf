"""Looking only when something can have changed sees what looking every second sees."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.alerts import STATES, AlertsState, step
from analytics.counters import NEVER_US
from analytics.gateways import Gateways
from analytics.silence import SilenceWatches, observe_silence
from analytics.silence_replay import SilenceReplay
from core.alerts import AlertState
from core.catalog import Catalog
from core.model import Device, DeviceKind, Place, PlaceKind
from core.receipts import Receipts
from core.rules import NoData
from tests.analytics.watched import NAME, S, rule

T0 = 1_700_000_000
END = 1600


def device(id_, expected_s=60.0, gateway=None, kind=DeviceKind.METER, **more):
    return Device(id_, kind, "hall", NAME, expected_interval_s=expected_s, gateway_id=gateway, **more)


def box(id_="box", expected_s=60.0, **more):
    return device(id_, expected_s, kind=DeviceKind.GATEWAY, **more)


def at(second):
    return (T0 + second) * S


def watches_of(devices, **changes):
    places = [Place("hall", PlaceKind.BUILDING, NAME, "UTC")]
    condition = changes.pop("condition", NoData())
    catalog = Catalog(places, list(enumerate(devices)), [])
    return SilenceWatches.of([rule(condition, **changes)], catalog)


def received(devices, heard):
    """Rows of {device id: seconds}."""
    number = {one.id: row for row, one in enumerate(devices)}
    rows = [(number[id_], at(second)) for id_, seconds in heard.items() for second in seconds]
    device, at_us = np.array(rows, np.int64).reshape(-1, 2).T
    return Receipts.of(device, at_us)


def every_second(devices, heard, *, deaf=(), **changes):
    """(device, since, fired, ended) as the present has it, second by second."""
    watches = watches_of(devices, **changes)
    gateways, state = Gateways.of(watches.behind), AlertsState.empty(len(watches))
    heard_us = np.zeros(len(devices), np.int64)
    rows = received(devices, heard)
    listening_us, found = 0, {}
    for second in range(END):
        if any(first < second < last for first, last in deaf):
            continue
        listening_us = max([listening_us, *(at(last) for _, last in deaf if last <= second)])
        now = rows.at_us == at(second)
        heard_us[rows.device[now]] = at(second)
        seen = observe_silence(
            watches, gateways, heard_us, state, listening_since_us=listening_us, now_us=at(second)
        )
        state, moved = step(state, seen, watches.terms())
        for row in range(len(moved)):
            key = int(moved.watch[row]), int(moved.since_us[row])
            over = STATES[moved.after[row]] is AlertState.RESOLVED
            found[key] = (int(moved.fired_us[row]), int(moved.at_us[row]) if over else None)
    return sorted(
        (devices[watches.device[watch]].id, since // S - T0, fired / S - T0, ended and ended / S - T0)
        for (watch, since), (fired, ended) in found.items()
    )


def replayed(devices, heard, stretches=(0, END), *, deaf=(), **changes):
    """The same by looks, and how many there were."""
    watches = watches_of(devices, **changes)
    replay = SilenceReplay(
        watches,
        at(0),
        at(END),
        at(0),
        np.zeros(len(devices), np.int64),
        deaf=np.array([(at(first), at(last)) for first, last in deaf], np.int64).reshape(-1, 2),
    )
    rows = received(devices, heard)
    for first, last in pairwise(stretches):
        inside = (rows.at_us >= at(first)) & (rows.at_us < at(last))
        replay.hear(Receipts(rows.device[inside], rows.at_us[inside]), at(first), at(last))
    found = replay.end()
    told = sorted(
        (
            devices[watches.device[watch]].id,
            since // S - T0,
            fired / S - T0,
            None if ended == NEVER_US else ended / S - T0,
        )
        for watch, since, fired, ended in zip(
            found.watch,
            found.since_us.tolist(),
            found.fired_us.tolist(),
            found.ended_us.tolist(),
            strict=True,
        )
    )
    return told, replay, found


# Even seconds: the present looks at odd ones too, so that no limit passes unseen.
SECONDS = st.integers(0, END // 2 - 1).map(lambda half: 2 * half)
INTERVALS = st.sampled_from([10.0, 20.0, 60.0, 120.0])


@st.composite
def talks(draw, expected_s):
    """When a device speaks: regularly, with jitter, but for some stretches."""
    phase = draw(st.integers(0, int(expected_s) // 2 - 1)) * 2
    seconds = set(range(phase, END, int(expected_s)))
    for _ in range(draw(st.integers(0, 3))):
        first = draw(SECONDS)
        length = draw(st.sampled_from([20, 40, 100, 190, 250, 400, 700]))
        seconds -= set(range(first, first + length))
    seconds |= set(draw(st.lists(SECONDS, max_size=3)))
    return sorted(seconds)


@st.composite
def estates(draw):
    """Devices, when each speaks, and a pause that some of them share."""
    devices, heard = [], {}
    for name in draw(st.sampled_from([(), ("box",), ("box", "bus")])):
        devices.append(box(name, draw(INTERVALS), **used(draw)))
        if draw(st.booleans()):
            heard[name] = draw(talks(devices[-1].expected_interval_s))
    through = [None, *(one.id for one in devices)]
    for number in range(draw(st.integers(1, 4))):
        one = device(f"m{number}", draw(INTERVALS), draw(st.sampled_from(through)), **used(draw))
        devices.append(one)
        heard[one.id] = draw(talks(one.expected_interval_s))
    for _ in range(draw(st.integers(0, 2))):
        gateway = draw(st.sampled_from(through))
        first, length = draw(SECONDS), draw(st.sampled_from([30, 100, 200, 500]))
        for one in devices:
            if gateway in {one.id, one.gateway_id}:
                heard[one.id] = [at for at in heard.get(one.id, []) if not first <= at < first + length]
    return devices, heard


def used(draw):
    which = draw(st.sampled_from([None] * 6 + ["valid_from_us", "valid_to_us"]))
    return {} if which is None else {which: at(draw(SECONDS))}


RULES = st.fixed_dictionaries(
    {
        "condition": st.sampled_from([NoData(), NoData(2.0), NoData(3.0, 200.0)]),
        "for_s": st.sampled_from([0.0, 0.0, 51.0, 301.0]),
        "keep_firing_for_s": st.sampled_from([0.0, 0.0, 41.0, 201.0]),
    }
)
CUTS = st.lists(SECONDS, max_size=3).map(lambda cuts: (0, *sorted({*cuts} - {0}), END))


@given(estates(), RULES, CUTS)
@settings(max_examples=50)
def test_it_sees_what_every_second_sees(estate, terms, cuts):
    devices, heard = estate
    told, _, _ = replayed(devices, heard, cuts, **terms)
    assert told == every_second(devices, heard, **terms)


@given(estates(), RULES, st.lists(SECONDS, min_size=2, max_size=2, unique=True).map(sorted))
@settings(max_examples=25)
def test_where_nobody_listens_nothing_is_seen_and_silence_counts_anew(estate, terms, deaf):
    devices, heard = estate
    first, last = deaf
    heard = {id_: [at for at in seconds if not first < at < last] for id_, seconds in heard.items()}
    told, _, _ = replayed(devices, heard, deaf=(deaf,), **terms)
    assert told == every_second(devices, heard, deaf=(deaf,), **terms)
    assert all(not first < fired < last for _, _, fired, _ in told)


def test_a_regular_estate_needs_no_look_but_the_first():
    devices = [box(), *(device(f"m{number}", 60.0, "box") for number in range(20))]
    heard = {f"m{number}": range(number, END, 60) for number in range(20)}
    told, replay, _ = replayed(devices, heard)
    assert told == []
    assert replay.looked == 1


def test_what_was_silent_before_is_so_from_the_beginning_and_how_long_is_known():
    watches = watches_of([device("m")])
    replay = SilenceReplay(watches, at(0), at(END), at(100), np.array([at(-5000)]))
    replay.hear(Receipts(np.array([0], np.int32), np.array([at(400)])), at(0), at(END))
    found = replay.end()
    assert (found.since_us - at(0)).tolist() == [100 * S, 580 * S]
    assert (found.fired_us - at(0)).tolist() == [100 * S, 580 * S]
    assert found.ended_us.tolist() == [at(400), NEVER_US]
    assert found.peak.tolist() == [5400.0, END - 400.0]
    assert found.silent_us.tolist() == [300 * S, (END - 580) * S]


def test_what_was_seen_is_told_of_devices_and_of_gateways():
    devices = [box(), device("m", 60.0, "box"), device("n", 60.0)]
    heard = {"m": [*range(0, 600, 60), *range(1000, END, 60)], "n": range(0, END, 60)}
    _, replay, _ = replayed(devices, heard)
    seen = replay.replay.seen
    assert seen.count.tolist() == [20, 20, 27]
    assert seen.highest.tolist() == [460.0, 460.0, 60.0]
    assert (seen.covered_us / S).tolist() == [END - 460, END - 460, END]
