"""Domain objects as the API shows them, for routes and the live socket alike."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from analytics.fleet import VehicleStatus, statuses
from api.estate import Estate
from api.schemas.base import Names
from api.schemas.fleet import Position, VehicleItem
from api.schemas.series import PowerItem, QualityName
from api.times import rfc3339, rfc3339s
from core.batch import PositionBatch
from core.model import Device, Name
from core.ports import PlacePower
from core.quality import quality_names


def names(name: Name) -> Names:
    """A name in both languages."""
    return Names(zh=name.zh, en=name.en)


def finite(value: float) -> float | None:
    """The number, or None for what is none."""
    return value if np.isfinite(value) else None


def known(value: float) -> float | None:
    """The number, or None for NaN; without the digits that a float32 does not have."""
    return None if np.isnan(value) else float(f"{value:.7g}")


@lru_cache(maxsize=1024)
def interval_quality(flags: int) -> list[QualityName]:
    """Names of an interval's flags."""
    found: list[QualityName] = quality_names(flags)  # type: ignore[assignment]
    return found


def power_items(powers: Sequence[PlacePower]) -> list[PowerItem]:
    """Live power of places."""
    return [
        PowerItem(
            place=power.place_id,
            power_w=None if power.power_w is None else round(power.power_w, 3),
            meters=power.meters,
            reporting=power.reporting,
            at=rfc3339(power.at_us) if power.at_us > 0 else None,
        )
        for power in powers
    ]


def vehicle_items(estate: Estate, fixes: PositionBatch, now_us: int) -> list[VehicleItem]:
    """The vehicles of these fixes; fixes of a device that is not registered are left out."""
    devices = [
        estate.catalog.devices.get(estate.catalog.device_ids.get(number, ""))
        for number in fixes.device.tolist()
    ]
    rows = [row for row, device in enumerate(devices) if device is not None]
    found = [device for device in devices if device is not None]
    fixes = fixes.take(np.array(rows, np.int64))
    expected_s = np.array([device.expected_interval_s for device in found], np.float64)
    status = statuses(fixes, expected_s, now_us)
    times = rfc3339s(fixes.fix_time_us)
    return [
        VehicleItem(
            id=device.id,
            name=names(device.name),
            place_id=device.place_id,
            status=status[row],
            position=Position(
                lat=float(fixes.latitude_deg[row]),
                lon=float(fixes.longitude_deg[row]),
                speed_kmh=known(fixes.speed_kmh[row]),
                course_deg=known(fixes.course_deg[row]),
                time=times[row],
                age_s=age_s(int(fixes.fix_time_us[row]), now_us),
            ),
            ignition=ignition(fixes.ignition[row]),
            soc_pct=known(fixes.soc_pct[row]),
            fuel_l=known(fixes.fuel_l[row]),
            odometer_km=None if np.isnan(fixes.odometer_km[row]) else float(fixes.odometer_km[row]),
        )
        for row, device in enumerate(found)
    ]


def every_vehicle(estate: Estate, fixes: PositionBatch, now_us: int) -> list[VehicleItem]:
    """All vehicles in order of id, those never heard included."""
    heard = {item.id: item for item in vehicle_items(estate, fixes, now_us)}
    return [heard.get(vehicle.id) or _never_heard(vehicle) for vehicle in estate.vehicles]


def _never_heard(vehicle: Device) -> VehicleItem:
    return VehicleItem(
        id=vehicle.id,
        name=names(vehicle.name),
        place_id=vehicle.place_id,
        status=VehicleStatus.UNKNOWN,
        position=None,
        ignition=None,
        soc_pct=None,
        fuel_l=None,
        odometer_km=None,
    )


def ignition(value: float) -> bool | None:
    """Whether it is on; None if not reported."""
    return None if np.isnan(value) else bool(value > 0)


def age_s(time_us: int, now_us: int) -> float:
    """How long ago; 0 for a device whose clock is ahead of ours."""
    return max(round((now_us - time_us) / 1e6, 3), 0.0)
