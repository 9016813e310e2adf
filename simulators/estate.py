"""The simulated city as an estate to register: places, meters, vehicles and rules.

Ids never change; only where the places lie follows from the seed.
"""

from core.estate import Estate
from core.model import Comparator, Device, DeviceKind, Name, Place, PlaceKind, Severity
from core.rules import Rule, Selector, Threshold
from simulators.buildings import BUILDINGS, CITY, DEPOTS, DISTRICTS, ORGANISATIONS, Building
from simulators.city_map import building_position, depot_position, map_layers
from simulators.metering import REPORT_INTERVAL_S, SUB_ITEMS, Meter, MeterType, contracted_power_w, meters
from simulators.roads import RoadNetwork, to_degrees
from simulators.trips import Vehicle, vehicles

TIMEZONE = "Asia/Shanghai"
VEHICLE_INTERVAL_S = 60.0
CLIMATE_ZONE, GRID_REGION = "hot_summer_cold_winter", "CN-CQ"  # a city on the upper Yangtze


def build_estate(seed: int) -> Estate:
    """City, 2 districts, 6 organisations, 20 buildings, 194 meters, 30 vehicles and their rules."""
    network = RoadNetwork(seed)
    fleet = vehicles()
    plan = meters()
    return Estate(
        places=(*_administration(), *_buildings(network), *_depots(network), *_circuits(plan)),
        devices=(*(_meter_device(meter) for meter in plan), *_vehicle_devices(fleet)),
        rules=_rules(),
        map_layers=map_layers(network),
    )


def overpower_rule_id(building: str) -> str:
    """Id of the rule that watches a building's contracted power."""
    return f"overpower-{building}"


def _administration() -> list[Place]:
    city, name = CITY
    places = [
        Place(city, PlaceKind.REGION, name, TIMEZONE, climate_zone=CLIMATE_ZONE, region_code=GRID_REGION)
    ]
    places += [Place(d, PlaceKind.REGION, name, TIMEZONE, city) for d, name in DISTRICTS.items()]
    places += [
        Place(organisation, PlaceKind.ORGANISATION, name, TIMEZONE, district)
        for organisation, (district, name) in ORGANISATIONS.items()
    ]
    return places


def _buildings(network: RoadNetwork) -> list[Place]:
    places = []
    for building in BUILDINGS:
        latitude, longitude = to_degrees(*building_position(network, building.junction))
        places.append(
            Place(
                building.id,
                PlaceKind.BUILDING,
                building.name,
                TIMEZONE,
                building.organisation,
                floor_area_m2=building.floor_area_m2,
                headcount=building.headcount,
                category=building.category,
                latitude_deg=round(latitude, 6),
                longitude_deg=round(longitude, 6),
                contract_demand_w=contracted_power_w(building),
            )
        )
    return places


def _depots(network: RoadNetwork) -> list[Place]:
    places = []
    for depot, (organisation, _, name) in DEPOTS.items():
        latitude, longitude = to_degrees(*depot_position(network, depot))
        places.append(
            Place(
                depot,
                PlaceKind.SITE,
                name,
                TIMEZONE,
                organisation,
                category="depot",
                latitude_deg=round(latitude, 6),
                longitude_deg=round(longitude, 6),
            )
        )
    return places


def _circuits(plan: list[Meter]) -> list[Place]:
    wanted = dict.fromkeys((m.building.id, m.circuit) for m in plan if m.circuit is not None)
    return [
        Place(_circuit(building, item), PlaceKind.CIRCUIT, SUB_ITEMS[item], TIMEZONE, building)
        for building, item in wanted
    ]


def _circuit(building: str, item: str) -> str:
    return f"{building}-{item}"


def _meter_device(meter: Meter) -> Device:
    building: Building = meter.building
    return Device(
        meter.id,
        DeviceKind.METER,
        building.id if meter.circuit is None else _circuit(building.id, meter.circuit),
        Name(f"{building.name.zh} {meter.name.zh}", f"{building.name.en}: {meter.name.en}"),
        parent_device_id=meter.parent,
        expected_interval_s=float(REPORT_INTERVAL_S[meter.type]),
    )


def _vehicle_devices(fleet: list[Vehicle]) -> list[Device]:
    return [
        Device(
            vehicle.id,
            DeviceKind.VEHICLE,
            vehicle.depot,
            vehicle.name,
            expected_interval_s=VEHICLE_INTERVAL_S,
        )
        for vehicle in fleet
    ]


def _rules() -> tuple[Rule, ...]:
    rules = [_overpower(building) for building in BUILDINGS]
    mains = tuple(meter.id for meter in meters() if meter.type is MeterType.MAIN)
    # GB/T 12325-2008: 220 V +7 % / -10 %; GB/T 15945-2008: 50 Hz +/- 0.2 Hz.
    rules += [
        Rule(
            id=f"voltage-low-l{phase}",
            name=Name(f"L{phase} 相电压过低", f"Voltage low on L{phase}"),
            condition=Threshold(f"voltage_l{phase}", Comparator.BELOW, 198.0, 203.0),
            for_s=60.0,
            severity=Severity.WARNING,
            action=Name(
                "检查进线与变压器分接头，联系供电公司",  # noqa: RUF001 - Chinese punctuation
                "Check supply and transformer taps; call the grid company",
            ),
            select=Selector(devices=mains),
            origin="api",
        )
        for phase in (1, 2, 3)
    ]
    rules += [
        Rule(
            id=f"frequency-{word}",
            name=Name(f"频率过{zh}", f"Frequency {word}"),
            condition=Threshold("frequency", comparator, limit, clear),
            for_s=30.0,
            severity=Severity.WARNING,
            action=Name(
                "核对仪表，必要时切换备用电源",  # noqa: RUF001 - Chinese punctuation
                "Check the meter; switch to the stand-by supply if it is right",
            ),
            select=Selector(devices=mains),
            origin="api",
        )
        for word, zh, comparator, limit, clear in (
            ("low", "低", Comparator.BELOW, 49.8, 49.85),
            ("high", "高", Comparator.ABOVE, 50.2, 50.15),
        )
    ]
    rules.append(
        Rule(
            id="power-factor-low",
            name=Name("功率因数过低", "Power factor low"),
            condition=Threshold("power_factor", Comparator.BELOW, 0.85, 0.88),
            for_s=300.0,
            severity=Severity.INFO,
            action=Name("检查无功补偿柜是否投入", "Check that the capacitor bank is switched on"),
            select=Selector(devices=mains),
            origin="api",
        )
    )
    return tuple(rules)


def _overpower(building: Building) -> Rule:
    limit_w = contracted_power_w(building)
    return Rule(
        id=overpower_rule_id(building.id),
        name=Name(f"{building.name.zh}超容量用电", f"{building.name.en}: over contracted power"),
        condition=Threshold("power_active", Comparator.ABOVE, limit_w, 0.95 * limit_w),
        for_s=10.0,
        severity=Severity.CRITICAL,
        action=Name(
            "先错峰停用充电桩与非必要空调，再查异常回路",  # noqa: RUF001 - Chinese punctuation
            "Shed EV charging and spare cooling, then find the circuit",
        ),
        select=Selector(devices=(f"m-{building.id}-main",)),
        origin="api",
    )
