"""Messages of the live socket."""

from typing import Literal

from api.schemas.alerts import AlertItem
from api.schemas.base import Answer, Time
from api.schemas.fleet import VehicleItem
from api.schemas.series import PowerItem
from core.alerts import AlertState


class Hello(Answer):
    """The state to start from; always the first message."""

    type: Literal["hello"] = "hello"
    at: Time
    power: list[PowerItem]
    vehicles: list[VehicleItem]
    alerts: list[AlertItem]


class PowerMessage(Answer):
    """Places whose live power is not what it was."""

    type: Literal["power"] = "power"
    at: Time
    items: list[PowerItem]


class VehiclesMessage(Answer):
    """Vehicles that reported or fell silent."""

    type: Literal["vehicles"] = "vehicles"
    at: Time
    items: list[VehicleItem]


class AlertMessage(Answer):
    """An alert after a transition, at its event time, or after something was done about it.

    previous: state before; the same where people did something, or history reached the present.
    """

    type: Literal["alert"] = "alert"
    at: Time
    previous: AlertState
    alert: AlertItem


class LedgerMessage(Answer):
    """Figures of these places changed: fetch again what is shown."""

    type: Literal["ledger"] = "ledger"
    at: Time
    places: list[str]


class PingMessage(Answer):
    """Nothing has changed for a while; the connection is alive."""

    type: Literal["ping"] = "ping"
    at: Time


LiveMessage = Hello | PowerMessage | VehiclesMessage | AlertMessage | LedgerMessage | PingMessage
