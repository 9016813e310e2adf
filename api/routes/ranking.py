"""GET /api/v1/reports/ranking: places among peers of the same category and climate zone."""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Query

from analytics.ranking import FEW_PEERS, LEAST_COVERAGE, rank
from analytics.ranking import Ranking as Ranks
from api import problems, times
from api.accounts import Accounts
from api.depends import EstateOf, LedgerOf, ServicesOf
from api.derived import Derivations
from api.estate import Estate
from api.figures import number
from api.items import names
from api.openapi import refusals
from api.routes.benchmarks import YearQuery
from api.schemas.accounts import Basis
from api.schemas.base import Names
from api.schemas.reports import RankedPlace, Ranking
from api.yearly import COAL, Usage, Year, Yearly
from core.model import Place
from core.quantities import Energy

router = APIRouter(prefix="/api/v1/reports/ranking", tags=["figures"])

MeasureOf = Literal["electricity", "water", "gas", "heat", "coal"]
Per = Literal["area", "person"]
_Why = Literal["coverage", "size", "amount"]

_MOST_PLACES = 2000
_NO_PEERS = Names(
    zh="没有可排名的建筑:登记建筑类别", en="Nothing to rank: register the category of the buildings"
)


@dataclass(frozen=True, slots=True)
class _Peer:
    place: Place
    climate_zone: str | None
    usage: Usage | None

    @property
    def group(self) -> tuple[str, str]:
        return self.place.category or "", self.climate_zone or ""


@router.get("", summary="Rank places among their peers", responses=refusals(404, 422, 503))
def ranking(
    services: ServicesOf,
    estate: EstateOf,
    ledger: LedgerOf,
    *,
    place: Annotated[
        str, Query(description="Places with a category at or below this one.", examples=["city"])
    ],
    year: YearQuery = None,
    measure: Annotated[MeasureOf, Query(description="coal: all energy as standard coal.")] = "electricity",
    per: Annotated[Per, Query()] = "area",
) -> Ranking:
    """Use per m² or per person since the year began, the least first.

    All places are compared over the same time. One that was measured for less than 90 % of
    it is listed and not ranked.
    """
    top = estate.place(place)
    now_us = services.clock()
    of_year = Year.of(year, top.timezone, now_us)
    accounts = Accounts(estate, ledger, now_us)
    yearly = Yearly(accounts, Derivations(accounts, services.registry.references()))
    energy: Energy | str = COAL if measure == COAL else Energy(measure)
    peers = [
        _Peer(
            one,
            estate.catalog.inherited(one.id, "climate_zone"),
            yearly.usage(one.id, energy, of_year, by_day=False),
        )
        for one in _categorised(estate, place)
    ]
    # What has another unit than most can't be compared: it is listed without a value.
    units = [one.usage.unit for one in peers if one.usage is not None]
    unit = max(sorted(set(units)), key=units.count, default="kgce" if measure == COAL else "")
    ranks = _rank(peers, unit, per)
    factors = {one.id + one.region: one for peer in peers if peer.usage for one in peer.usage.basis}
    items = _items(peers, unit, ranks, per)
    end_us = min(int(of_year.edges_us[-1]), max(now_us, int(of_year.edges_us[0])))
    return Ranking(
        place=place,
        year=of_year.year,
        from_=times.rfc3339(int(of_year.edges_us[0]), top.timezone),
        to=times.rfc3339(end_us, top.timezone),
        year_is_over=of_year.is_over,
        measure=measure,
        per=per,
        unit=f"{unit}/{'m2' if per == 'area' else 'person'}",
        least_coverage=LEAST_COVERAGE,
        factors=list[Basis](factors.values()),
        items=items,
        next_action=_action(peers, ranks, items),
    )


def _categorised(estate: Estate, place_id: str) -> list[Place]:
    inside = [estate.catalog.places[one] for one in estate.catalog.subtree(place_id)]
    found = [one for one in inside if one.category is not None]
    if len(found) > _MOST_PLACES:
        fix = "ask for a place further down the tree"
        raise problems.invalid("place", place_id, f"has more than {_MOST_PLACES} places to rank", fix)
    return found


def _size(peer: _Peer, per: Per) -> float:
    size = peer.place.floor_area_m2 if per == "area" else peer.place.headcount
    return float(size) if size else float("nan")


def _amount(peer: _Peer, unit: str) -> float:
    usage = peer.usage
    return usage.total if usage is not None and usage.unit == unit and usage.complete else float("nan")


def _rank(peers: list[_Peer], unit: str, per: Per) -> Ranks:
    numbers = {group: number_ for number_, group in enumerate(sorted({one.group for one in peers}))}
    return rank(
        np.array([_amount(one, unit) for one in peers], np.float64),
        np.array([_size(one, per) for one in peers], np.float64),
        np.array([one.usage.coverage if one.usage else 0.0 for one in peers], np.float64),
        np.array([numbers[one.group] for one in peers], np.int64),
    )


def _items(peers: list[_Peer], unit: str, ranks: Ranks, per: Per) -> list[RankedPlace]:
    order = sorted(
        range(len(peers)),
        key=lambda row: (peers[row].group, not ranks.ranked[row], int(ranks.rank[row]), peers[row].place.id),
    )
    return [_item(peers[row], ranks, row, unit, per) for row in order]


def _item(peer: _Peer, ranks: Ranks, row: int, unit: str, per: Per) -> RankedPlace:
    size, amount, usage = _size(peer, per), _amount(peer, unit), peer.usage
    why: _Why | None = None
    if not ranks.ranked[row]:
        why = "amount" if np.isnan(amount) else "size" if np.isnan(size) else "coverage"
    return RankedPlace(
        place=peer.place.id,
        name=names(peer.place.name),
        category=peer.place.category or "",
        climate_zone=peer.climate_zone,
        rank=int(ranks.rank[row]) or None,
        peers=int(ranks.peers[row]),
        value=number(ranks.value[row]),
        amount=number(amount),
        size=number(size),
        median=number(ranks.median[row]),
        above_median_share=number(ranks.above_share[row]),
        coverage=usage.coverage if usage else 0.0,
        quality=usage.quality if usage else [],
        not_ranked_because=why,
        few_peers=bool(ranks.peers[row] < FEW_PEERS),
        next_action=None if why is None else _WHY[why],
    )


_WHY: dict[_Why, Names] = {
    "coverage": Names(
        zh="数据覆盖率不足 90%:用 reports/data-quality 查找缺数的表计并补录",
        en="Less than 90 % was measured: find the meters in reports/data-quality and import what is missing",
    ),
    "size": Names(zh="登记建筑面积和用能人数", en="Register the floor area and the headcount"),
    "amount": Names(
        zh="没有可比数据:检查表计、单位和系数",
        en="Nothing comparable is known: check meters, unit and factors",
    ),
}


def _action(peers: list[_Peer], ranks: Ranks, items: list[RankedPlace]) -> Names | None:
    """The place furthest above the median of its peers; if none is ranked, what keeps most from it."""
    if not ranks.ranked.any():
        reasons = [one.not_ranked_because for one in items if one.not_ranked_because]
        return _WHY[max(sorted(set(reasons)), key=reasons.count)] if reasons else _NO_PEERS
    above = np.where(ranks.peers >= FEW_PEERS, np.nan_to_num(ranks.above_share, nan=-1.0), -1.0)
    worst = int(np.argmax(above))
    if above[worst] <= 0:
        return None
    name = peers[worst].place.name
    return Names(
        zh=f"先查看{name.zh}:高于同类中位数 {100 * above[worst]:.0f}%",
        en=f"Look at {name.en} first: {100 * above[worst]:.0f} % above the median of its peers",
    )
