"""Every campaign by name; docs/reliability.md has what they found."""

from collections.abc import Callable
from pathlib import Path

from tests.faults import absences, disks, flood, kills, network, refusals, senders
from tests.faults.report import Report
from tests.faults.world import Options

CAMPAIGNS: dict[str, Callable[[Options, Path], Report]] = {
    "ingest-killed": kills.ingest_killed,
    "broker-killed": kills.broker_killed,
    "store-away": absences.store_away,
    "consumer-away": absences.consumer_away,
    "store-killed": kills.store_killed,
    "stale-acks": network.stale_acks,
    "bad-reading": refusals.bad_reading,
    "refused-lines": refusals.refused_lines,
    "refused-writes": refusals.refused_writes,
    "disk-full": disks.disk_full,
    "damaged-log": disks.damaged_log,
    "flood": flood.flood,
    "network": network.bad_network,
    "store-outage": absences.store_outage,
    "sender-killed": senders.sender_killed,
}
