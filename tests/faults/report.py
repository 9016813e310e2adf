"""What a campaign says at its end: one line of JSON.

Words are those of Jepsen's total-queue: attempted by the devices, acknowledged by the
broker, lost if acknowledged and neither stored nor a dead letter, unexpected if stored and
never sent; a campaign is valid if nothing was lost, doubled, unexpected or wrong in the
figures, and every fault was recovered from.
"""

import json
from dataclasses import asdict, dataclass, field


@dataclass
class Report:
    """recovery_s: of each fault, from when its cause was gone until everything that had been
    published by then was stored."""

    campaign: str
    trials: int
    seed: int
    store: str
    attempted: int = 0
    acknowledged: int = 0
    stored: int = 0
    lost: int = 0
    doubled: int = 0
    unexpected: int = 0
    figures_wrong: int = 0
    recovered: int = 0
    recovery_s: list[float] = field(default_factory=list)
    more: dict[str, object] = field(default_factory=dict)

    @property
    def valid(self) -> bool:
        return not (self.lost or self.doubled or self.unexpected or self.figures_wrong)

    def add(self, found: dict[str, int]) -> None:
        """Add counts by name."""
        for name, count in found.items():
            setattr(self, name, getattr(self, name) + count)

    def line(self) -> str:
        shown = asdict(self)
        recovery_s = sorted(shown.pop("recovery_s"))
        more = shown.pop("more")
        shown["recovery_p50_s"] = quantile(recovery_s, 0.5)
        shown["recovery_p95_s"] = quantile(recovery_s, 0.95)
        return json.dumps(shown | more | {"valid": self.valid}, ensure_ascii=False)


def quantile(ordered: list[float], part: float) -> float | None:
    """The value that this part of all is not above; None of nothing."""
    if not ordered:
        return None
    return round(ordered[min(int(part * len(ordered)), len(ordered) - 1)], 3)
