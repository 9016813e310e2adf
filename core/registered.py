"""What the product needs of the place where everything registered is kept; part of core.ports.Registry."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from core.catalog import Catalog
from core.estate import Estate
from core.model import (
    Device,
    MapLayer,
    Place,
    Placement,
    Register,
    RegisterSettings,
    Replacement,
)
from core.reference import References


class Revision(NamedTuple):
    """How often registers have been added, and how often anything else registered has changed.

    estate: places, devices, map layers, settings of registers, replacements, placements and
    references.
    """

    estate: int
    registers: int
    rules: int = 0


class Registered(Protocol):
    """Places, devices, registers and what they are computed with.

    A change is durable when the call returns, and every process sees it by the revision.
    """

    def catalog(self) -> Catalog:
        """Everything registered now."""
        ...

    def put_estate(self, estate: Estate) -> None:
        """Add or update places, devices, rules, map layers and registers, in one transaction.

        Registers that are missing are made. A device that was moved stays where it is, if the
        estate has it where it was before. Raises Conflict with every mistake: a dangling
        parent, place, calendar, tariff or policy, a loop, a virtual meter below another.
        """
        ...

    def put_place(self, place: Place) -> None:
        """Add or update one place; raises Conflict."""
        ...

    def put_device(self, device: Device) -> None:
        """Add or update one device; raises Conflict."""
        ...

    def add_registers(self, wanted: Sequence[tuple[str, str]]) -> list[Register]:
        """Registers for (device id, quantity), made with the next dense ids where missing."""
        ...

    def put_register(self, settings: RegisterSettings) -> None:
        """Set one register, made if missing; raises Conflict."""
        ...

    def put_replacement(self, replacement: Replacement) -> None:
        """Add or correct one by id; raises Conflict."""
        ...

    def drop_replacement(self, id_: str) -> bool:
        """Forget one, as if it had not happened; whether there was one."""
        ...

    def put_placement(self, placement: Placement) -> None:
        """Move a device from a moment on (0: from ever); raises Conflict."""
        ...

    def drop_placement(self, device_id: str, from_us: int) -> bool:
        """Undo a move, as if the device had stayed; whether there was one."""
        ...

    def put_references(self, references: References) -> None:
        """Add or update documents by kind and id."""
        ...

    def references(self) -> References:
        """All documents; cheap to ask again."""
        ...

    def registers_from(self, first: int) -> list[Register]:
        """Registers in order of id, from this id on."""
        ...

    def revision(self) -> Revision:
        """Another one whenever what is registered has changed, by any process."""
        ...

    def map_layers(self) -> list[MapLayer]:
        """All map layers by id."""
        ...
