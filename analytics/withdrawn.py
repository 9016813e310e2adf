"""Whether anything still watches what an alert is about: rules are dropped, disabled and changed."""

import numpy as np

from analytics.pairing import quantity_of
from analytics.selection import Selection
from core.alerts import Target, TargetKind, Withdrawn
from core.catalog import Catalog
from core.rules import Condition, DemandProjected, QuotaBurn, Rule, Scope


def withdrawn(rule: Rule | None, target: Target, catalog: Catalog, selection: Selection) -> Withdrawn | None:
    """Why a rule watches a target no more, by what the rule says; None while it does.

    rule: None if it was dropped. selection: of the catalog. What a figure needs beside, such as
    a contract or a quota, is not asked for.
    """
    if rule is None:
        return Withdrawn.DROPPED
    if not rule.enabled:
        return Withdrawn.DISABLED
    return None if _selects(rule, target, catalog, selection) else Withdrawn.NOT_SELECTED


def _selects(rule: Rule, target: Target, catalog: Catalog, selection: Selection) -> bool:
    if target.kind is not _about(rule.condition):
        return False
    if target.kind is TargetKind.PLACE:
        of_devices = rule.select.devices or rule.select.tags
        return not of_devices and target.id in selection.places(rule.select)
    device_id = target.id
    if target.kind is TargetKind.REGISTER:
        device_id, _, quantity = target.id.rpartition("/")
        if quantity != quantity_of(rule.condition):
            return False
    number, chosen = catalog.device_number.get(device_id, -1), selection.devices(rule.select)
    at = np.searchsorted(chosen, number)
    return bool(at < len(chosen) and chosen[at] == number)


def _about(condition: Condition) -> TargetKind:
    if quantity_of(condition) is not None:
        return TargetKind.REGISTER
    scope = getattr(condition, "scope", Scope.DEVICE)
    is_place = scope is Scope.PLACE or isinstance(condition, DemandProjected | QuotaBurn)
    return TargetKind.PLACE if is_place else TargetKind.DEVICE
