"""One file a resource; `ROUTERS` is the list of them."""

from api.routes import (
    alerts,
    balance,
    benchmarks,
    bill,
    consumption,
    dead_letters,
    demand,
    devices,
    imports,
    live,
    maps,
    off_hours,
    places,
    power,
    quota,
    ranking,
    readings,
    registers,
    rules,
    system,
    track,
    vehicles,
)

ROUTERS = [
    module.router
    for module in (
        places,
        devices,
        registers,
        readings,
        balance,
        consumption,
        demand,
        bill,
        benchmarks,
        off_hours,
        quota,
        ranking,
        imports,
        power,
        alerts,
        rules,
        vehicles,
        track,
        maps,
        dead_letters,
        live,
        system,
    )
]
