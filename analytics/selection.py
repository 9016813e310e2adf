"""Which devices a rule's selector chooses, in a catalog."""

from collections import defaultdict
from functools import cached_property

import numpy as np

from core.batch import I32
from core.catalog import Catalog
from core.rules import Selector

ALL = Selector()


class Selection:
    """Answers for one catalog; every distinct selector is resolved once.

    It holds for catalogs that extend this one as well: they have the same places and devices.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._found: dict[Selector, I32] = {}

    def devices(self, selector: Selector) -> I32:
        """Numbers of the devices that it chooses, ascending; names that are not there choose nothing."""
        found = self._found.get(selector)
        if found is None:
            number = self._catalog.device_number
            chosen = number.values() if selector == ALL else map(number.__getitem__, self._chosen(selector))
            found = self._found[selector] = np.array(sorted(chosen), np.int32)
        return found

    def places(self, selector: Selector) -> set[str]:
        """Places that it chooses, whatever it says of devices and tags."""
        chosen = set(self._catalog.places)
        if selector.places:
            known = [place for place in selector.places if place in chosen]
            chosen = {below for place in known for below in self._catalog.subtree(place)}
        if selector.categories:
            wanted = set(selector.categories)
            chosen = {place for place in chosen if self._categories[place] in wanted}
        return chosen

    def _chosen(self, selector: Selector) -> set[str]:
        devices = self._catalog.devices
        found: list[set[str]] = []
        if selector.devices:
            found.append({device for device in selector.devices if device in devices})
        found += [self._tagged[tag] for tag in selector.tags]
        if selector.places or selector.categories:
            places = self.places(selector)
            if found:  # few devices and perhaps many places
                few = set.intersection(*found)
                return {device for device in few if devices[device].place_id in places}
            return {device for place in places for device in self._standing[place]}
        return set.intersection(*found)

    @cached_property
    def _standing(self) -> dict[str, list[str]]:
        """Devices right at each place."""
        found: dict[str, list[str]] = defaultdict(list)
        for device in self._catalog.devices.values():
            found[device.place_id].append(device.id)
        return found

    @cached_property
    def _tagged(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for device in self._catalog.devices.values():
            for tag in device.tags:
                found[tag].add(device.id)
        return found

    @cached_property
    def _categories(self) -> dict[str, str | None]:
        """Of each place the category of the nearest place at or above it that has one."""
        found: dict[str, str | None] = {}
        for root in self._catalog.children(None):
            for place in self._catalog.subtree(root):
                one = self._catalog.places[place]
                found[place] = one.category or found.get(one.parent_id or "")
        return found
