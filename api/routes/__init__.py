"""One file a resource; `ROUTERS` is the list of them."""

from api.routes import (
    alerts,
    consumption,
    dead_letters,
    demand,
    devices,
    imports,
    live,
    maps,
    places,
    power,
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
        consumption,
        demand,
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
