"""Whether places and devices hang together: every reference leads somewhere, and to a root."""

from collections.abc import Iterable, Mapping

from core.model import Device, Place


def mistakes(places: Mapping[str, str | None], devices: Mapping[str, tuple[str, str | None]]) -> list[str]:
    """Every dangling reference and every loop, each with its fix.

    places: parent id by place id. devices: (place id, parent device id) by device id.
    """
    parents = {device: parent for device, (_, parent) in devices.items()}
    return [
        *(
            f"place {place!r}: its parent {parent!r} is not registered; register the parent first or with it"
            for place, parent in places.items()
            if parent is not None and parent not in places
        ),
        *(
            f"device {device!r}: its place {place!r} is not registered; register the place first or with it"
            for device, (place, _) in devices.items()
            if place not in places
        ),
        *(
            f"device {device!r}: its upstream device {parent!r} is not registered; "
            "register it first or with it"
            for device, parent in parents.items()
            if parent is not None and parent not in devices
        ),
        *(
            f"places form a loop: {' -> '.join(loop)}; give one of them another parent"
            for loop in loops(places)
        ),
        *(
            f"devices form a loop: {' -> '.join(loop)}; give one of them another upstream device"
            for loop in loops(parents)
        ),
    ]


def loops(parent_of: Mapping[str, str | None]) -> list[list[str]]:
    """Every cycle of parents once, its first member repeated at the end."""
    found: list[list[str]] = []
    done: set[str] = set()
    for start in parent_of:
        path: dict[str, int] = {}
        current: str | None = start
        while current is not None and current not in done and current not in path:
            path[current] = len(path)
            current = parent_of.get(current)
        if current is not None and current in path:
            found.append([*list(path)[path[current] :], current])
        done.update(path)
    return found


def merged(
    places: Mapping[str, str | None],
    devices: Mapping[str, tuple[str, str | None]],
    new_places: Iterable[Place],
    new_devices: Iterable[Device],
) -> tuple[dict[str, str | None], dict[str, tuple[str, str | None]]]:
    """References as they will be once the new places and devices are stored."""
    return (
        {**places, **{place.id: place.parent_id for place in new_places}},
        {**devices, **{device.id: (device.place_id, device.parent_device_id) for device in new_devices}},
    )
