"""Rules: /api/v1/rules. Those of rules.yaml are shown; all others can be changed here."""

from typing import Annotated

from fastapi import APIRouter, Path

from api import problems, rule_faults
from api.depends import EstateOf, ServicesOf
from api.estate import Estate
from api.openapi import refusals
from api.schemas.problem import FieldProblem
from api.schemas.rules import RuleInput, RuleItem, RuleList
from api.services import Services
from core.rules import Rule

router = APIRouter(prefix="/api/v1/rules", tags=["alerts"])

_CHANGES = refusals(400, 403, 404, 409, 413, 422, 503)
RuleId = Annotated[str, Path(max_length=128, examples=["voltage-high-l1"])]


@router.get("", summary="List rules", responses=refusals(503))
def rules(services: ServicesOf) -> RuleList:
    """Every rule that may raise an alert, in order of id."""
    return RuleList(items=[RuleItem.of(rule) for rule in services.registry.rules()])


@router.get("/{rule_id}", summary="Get one rule", responses=refusals(404, 503))
def rule(services: ServicesOf, rule_id: RuleId) -> RuleItem:
    """One rule, in the words in which it can be posted."""
    return RuleItem.of(_rule(services, rule_id))


@router.post("", summary="Add or replace a rule", responses=_CHANGES)
def put_rule(services: ServicesOf, estate: EstateOf, body: RuleInput) -> RuleItem:
    """Add the rule, or replace the one with its id; it is taken up within seconds.

    A rule that rules.yaml states can be changed there alone.
    """
    return _put(services, estate, body.rule("api"))


@router.put("/{rule_id}", summary="Replace a rule", responses=_CHANGES)
def replace_rule(services: ServicesOf, estate: EstateOf, rule_id: RuleId, body: RuleInput) -> RuleItem:
    """Replace a rule that there is; its open alerts go on."""
    if body.id != rule_id:
        raise problems.invalid("id", body.id, f"is not {rule_id!r}", "give the id of the address")
    _rule(services, rule_id)
    return _put(services, estate, body.rule("api"))


@router.delete("/{rule_id}", summary="Drop a rule", responses=refusals(400, 403, 404, 409, 413, 503))
def drop_rule(services: ServicesOf, rule_id: RuleId) -> RuleList:
    """Forget a rule; its alerts stay. Answers with the rules that are left."""
    _rule(services, rule_id)
    services.registry.drop_rule(rule_id)
    services.reload_catalog()
    return rules(services)


def _rule(services: Services, rule_id: str) -> Rule:
    known = {rule.id: rule for rule in services.registry.rules()}
    if rule_id not in known:
        raise problems.unknown("rule_id", rule_id, known, "/api/v1/rules")
    return known[rule_id]


def _put(services: Services, estate: Estate, stated: Rule) -> RuleItem:
    known = rule_faults.Known.of(estate.catalog, [*services.registry.rules(), stated])
    faults = rule_faults.faults(stated, known)
    if faults:
        raise problems.ProblemError(
            422,
            "; ".join(f"{fault.key}: {fault.fix}" for fault in faults),
            [FieldProblem(field=fault.key, value=fault.value, fix=fault.fix) for fault in faults],
        )
    services.registry.put_rule(stated)
    services.reload_catalog()
    return RuleItem.of(stated)
