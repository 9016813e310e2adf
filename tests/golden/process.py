"""Plays all cases through one line, each in a meter of its own for every order of arrival."""

from itertools import groupby

from core.estate import Estate
from core.model import Device, DeviceKind, Name, Place, PlaceKind, RegisterSettings, Replacement
from core.ports import RawBatch
from tests.golden.case import Case
from tests.line import Line

NAME = Name("名", "name")
RECEIVED_US = 1_798_761_600_000_000  # 2027-01-01: after everything that happens in a case


def one_by_one(messages):
    return [[message] for message in messages]


def at_once(messages):
    return [messages]


def latest_first(messages):
    """Of one time the later message stays later: it is a correction."""
    groups = [list(group) for _, group in groupby(messages, key=lambda message: message[0])]
    return [[message] for group in reversed(groups) for message in group]


ARRIVALS = {"one by one": one_by_one, "at once": at_once, "latest first": latest_first}
_RESTART_AFTER = (2, 5)  # batches


class Process:
    """The stores after everything has arrived; rejected: reasons by device."""

    def __init__(self, folder, cases: list[Case]):
        self.line = Line(folder)
        self.received_us = RECEIVED_US
        self.rejected: dict[str, list[str]] = {}
        self._register(cases)
        self.line.begin()
        self._play(cases)

    def device(self, case: Case, arrival: str) -> str:
        return f"{case.name}.{arrival.replace(' ', '-')}"

    def intervals(self, case: Case, arrival: str):
        return self.line.intervals(self.device(case, arrival), case.register["quantity"])

    def _register(self, cases):
        registry = self.line.registry
        zones = sorted({case.zone.key for case in cases})
        places = [Place(zone, PlaceKind.BUILDING, NAME, zone) for zone in zones]
        devices = [
            Device(self.device(case, arrival), DeviceKind.METER, case.zone.key, NAME, **case.body["meter"])
            for case in cases
            for arrival in ARRIVALS
        ]
        registry.put_estate(Estate(tuple(places), tuple(devices)))
        for case in cases:
            for arrival in ARRIVALS:
                registry.put_register(RegisterSettings(self.device(case, arrival), **case.register))
                if case.body.get("registered") != "later":
                    self._replace(case, arrival)

    def _replace(self, case, arrival):
        device = self.device(case, arrival)
        for number, one in enumerate(case.replacements()):
            at_us, quantity = one.pop("at"), case.register["quantity"]
            event = Replacement(f"{device}-{number}", device, quantity, at_us, **one)
            self.line.registry.put_replacement(event)

    def _play(self, cases):
        """The nth batch of every meter together, with restarts; then late data, then late events."""
        plans = {
            self.device(case, arrival): order(case.messages())
            for case in cases
            for arrival, order in ARRIVALS.items()
        }
        for number in range(max(map(len, plans.values()))):
            self._receive({device: plan[number] for device, plan in plans.items() if number < len(plan)})
            if number in _RESTART_AFTER:
                self.line.restart()
        self.line.settle()
        for case in cases:
            for arrival in ARRIVALS:
                if case.body.get("registered") == "later":
                    self._replace(case, arrival)
        self.line.take_up()

    def _receive(self, messages):
        self.received_us += 1000
        topics, payloads = [], []
        for device, batch in messages.items():
            for _, leaf, payload in batch:
                topics.append(f"wattline/v1/{device}/{leaf}")
                payloads.append(payload)
        raw = RawBatch(topics, payloads, self.received_us, 1, list(range(len(topics))))
        accepted = self.line.intake.accept(raw)
        for rejection in accepted.rejected:
            device = topics[rejection.message].split("/")[2]
            self.rejected.setdefault(device, []).append(rejection.reason.value)
        self.line.receive(accepted.readings)
