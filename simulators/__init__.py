"""Simulated meters and vehicles, recorded estates played back, and faults to order.

Everything is published to a real broker through `publish.Publisher`. Provisioning is the
caller's: register the estate, then run. The run functions are coroutines that stop cleanly when
cancelled; `progress` is a rich Progress that gets a task for what takes long, or None.

The simulated city
    estate.build_estate(seed) -> Estate
    demo.DemoOptions, demo.run_demo(options, broker, progress)     until cancelled

A recorded estate
    record.read_record(path, progress) -> Record                   raises RecordError
    recorded.choose(record, buildings=…, energy=…) -> Recording    raises ReplayError
    recorded.needed_estate(recording, timezone) -> Estate
    replay.ReplayOptions, replay.run_replay(recording, options, broker, progress) -> ReplayReport
    replay.parse_moment(text, timezone) -> microseconds            for --from and --to
    follow.FollowOptions, follow.run_follow(recording, options, broker, progress)  until cancelled
    SAMPLE                                                         the file that ships

Load
    simulate.load_estate(options) -> Estate
    simulate.LoadOptions, simulate.run_load(options, broker, progress) -> LoadReport

Faults
    faults.parse_fault("offline:device=m-…,start=60,duration=120") -> Fault   raises FaultError

Every error raised on purpose is a core.errors.WattlineError whose message is one line for a person.
"""

from pathlib import Path

SAMPLE = Path(__file__).parent / "sample" / "electricity_hourly.csv.gz"
"""Hourly electricity of three real buildings, 2018 and 2019; its README says whose."""
