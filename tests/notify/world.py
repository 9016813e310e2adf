"""A small estate with alerts on a real registry, and a clock that a test moves."""

import itertools
import json
from dataclasses import dataclass, field, replace

from core.alerting import Act
from core.alerts import Alert, AlertChange, AlertState, EventKind, Silence, Target, TargetKind, Waste
from core.delivery import DeliveryQuery, Match, Route
from core.estate import Estate
from core.model import Comparator, Device, DeviceKind, Name, Place, PlaceKind, Severity
from core.rules import MuteTime, Rule, Threshold
from notify.channels import CHANNELS
from notify.channels.base import Surroundings
from notify.http import Transport
from storage.registry import open_registry
from wattline.stated.channels import Told
from wattline.telling.channels import OpenChannels
from wattline.telling.deliver import Dispatcher, Rhythm

SECOND, MINUTE, HOUR, DAY = 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000
START_US = 1_795_320_000_000_000  # 2026-11-22 04:00 UTC, noon in Shanghai
SECRET = "whsec_" + "d2F0dGxpbmUtd2F0dGxpbmUtd2F0dGxpbmU="

PLACES = (
    Place("city", PlaceKind.REGION, Name("城市", "City"), "Asia/Shanghai"),
    Place("office", PlaceKind.ORGANISATION, Name("机关", "Office"), "Asia/Shanghai", "city"),
    Place("b0", PlaceKind.BUILDING, Name("一号楼", "Building 1"), "Asia/Shanghai", "office"),
    Place("b1", PlaceKind.BUILDING, Name("柏林馆", "Berlin house"), "Europe/Berlin", "office"),
    Place("hall", PlaceKind.BUILDING, Name("大会堂", "Hall"), "Asia/Shanghai", "city"),
)
DEVICES = (Device("m0", DeviceKind.METER, "b0", Name("总表", "Main meter")),)


def rule(id_="high-power", severity=Severity.WARNING, mute=(), runbook="https://intranet.example/r"):
    return Rule(
        id_,
        Name("功率过高", "Power too high"),
        severity,
        Name("检查空调", "Check the chillers"),
        Threshold("power_active", Comparator.ABOVE, 50_000.0),
        mute=mute,
        runbook=runbook,
    )


RULES = (
    rule(),
    rule("leak", Severity.CRITICAL, runbook=None),
    rule("note", Severity.INFO),
    rule("muted", mute=(MuteTime("11:00", "13:00"),)),
)


def hook(port, id_="hook", **more):
    return CHANNELS["webhook"].model_validate(
        {"id": id_, "kind": "webhook", "url": f"http://127.0.0.1:{port}/hook", "secret_env": "HOOK"} | more
    )


LOCAL = ("127.0.0.0/8",)
NOW_ROUTE = Route("all", ("hook",), Match(), group_wait_s=0.0, group_interval_s=0.0)


@dataclass
class World:
    """registry, clock and channels; fire() and others change alerts as the engine would."""

    url: str
    settings: list = field(default_factory=list)
    routes: tuple[Route, ...] = (NOW_ROUTE,)
    now_us: int = START_US
    transport: Transport = field(default_factory=lambda: Transport(LOCAL, deadline_s=1.0))
    environ: dict = field(default_factory=lambda: {"HOOK": SECRET})
    rhythm: Rhythm = field(default_factory=lambda: Rhythm(again_s=0.0, forget_s=1e9))

    def __post_init__(self):
        self.registry = open_registry(self.url)
        self.registry.put_estate(Estate(PLACES, DEVICES, RULES))
        self.catalog = self.registry.catalog()
        self.deliveries = self.registry.deliveries
        self.alerts = {}
        self._numbers = itertools.count()
        self.dispatcher = self.another()

    def close(self):
        self.registry.close()

    def another(self, rhythm=None):
        """A dispatcher of its own, as in another process."""
        self.channels = OpenChannels(
            Told({one.id: one for one in self.settings}, self.routes),
            Surroundings(self.transport, None, self.environ),
            self.registry,
            self.deliveries,
            catalog=lambda: self.catalog,
            now_us=lambda: self.now_us,
            public_url="https://wattline.example",
        )
        return Dispatcher(self.deliveries, self.channels, lambda: self.now_us, rhythm=rhythm or self.rhythm)

    def fire(self, rule_id="high-power", place="b0", *, at_us=None, retrospective=False, **more):
        """An alert that begins now; its id."""
        at_us = self.now_us if at_us is None else at_us
        target = Target(TargetKind.PLACE, f"{place}-{next(self._numbers)}")
        severity = next(one.severity for one in RULES if one.id == rule_id)
        alert = Alert(
            f"{rule_id}:{target}:{at_us}",
            rule_id,
            target,
            place,
            "m0",
            "power_active",
            "W",
            severity,
            AlertState.FIRING,
            61_250.0,
            50_000.0,
            Comparator.ABOVE,
            at_us - 5 * MINUTE,
            at_us,
            retrospective=retrospective,
            organisation_id="office",
            waste=Waste(12.5, "kWh", 8.75, "CNY", "threshold"),
        )
        alert = replace(alert, **more)
        self._change(alert, AlertState.PENDING, at_us)
        return alert.id

    def resolve(self, id_):
        alert = replace(self.alerts[id_], state=AlertState.RESOLVED, resolved_at_us=self.now_us)
        self._change(alert, AlertState.FIRING, self.now_us)

    def live(self, id_):
        self._change(replace(self.alerts[id_], retrospective=False), AlertState.FIRING, self.now_us)

    def _change(self, alert, previous, at_us):
        self.alerts[alert.id] = alert
        self.registry.record_alerts([AlertChange(alert, previous, at_us)], self.now_us)

    def acknowledge(self, id_):
        self.registry.handle(id_, Act(EventKind.ACKNOWLEDGED, self.now_us, "someone"))

    def silence(self, minutes, **more):
        ends_us = self.now_us + round(minutes * MINUTE)
        silence = Silence("quiet", self.now_us, ends_us, "repair", "someone", self.now_us, **more)
        self.registry.put_silence(silence)

    def timeline(self, id_):
        return [(event.kind, event.detail) for event in self.registry.timeline(id_)]

    def told(self, id_):
        """Lines of the timeline that say what was told or not."""
        kinds = (EventKind.TOLD, EventKind.NOT_TOLD)
        return [(kind.value, detail) for kind, detail in self.timeline(id_) if kind in kinds]

    async def turns(self, count=1, minutes=0.0):
        """Let the dispatcher look, and time pass after each look."""
        for _ in range(count):
            await self.dispatcher.turn()
            await self.dispatcher.settled()
            self.now_us += round(minutes * MINUTE)

    def all(self, **query):
        return self.deliveries.deliveries(DeliveryQuery(limit=1000, **query))

    def statuses(self):
        return [record.delivery.status.value for record in self.all()]


def events(receiver):
    """(event, alert id) of everything that a webhook was told, in order."""
    bodies = [json.loads(request.body) for request in receiver.requests]
    return [(one["event"], one["id"]) for body in bodies for one in body["data"].get("alerts", [])]
