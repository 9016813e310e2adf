"""POST /api/v1/rules/preview: a rule over stored history, before anybody trusts it."""

from fastapi import APIRouter

from api import rule_faults
from api.depends import ServicesOf
from api.openapi import refusals
from api.problems import ProblemError, invalid, shown, unknown
from api.schemas.base import Names
from api.schemas.preview import (
    PreviewEpisode,
    PreviewHighest,
    PreviewInput,
    PreviewTarget,
    PreviewTotals,
    RulePreviewAnswer,
)
from api.schemas.problem import FieldProblem
from api.schemas.rules import RuleItem
from api.services import Services
from api.times import parse, rfc3339
from core.preview import Episode, PreviewRefused, RulePreview
from core.rules import Rule

router = APIRouter(prefix="/api/v1/rules", tags=["alerts"])


@router.post(
    "/preview", summary="Try a rule on stored history", responses=refusals(400, 403, 404, 413, 422, 503)
)
def preview(services: ServicesOf, asked: PreviewInput) -> RulePreviewAnswer:
    """When the rule would have fired, on what, for how long, and what to do about it.

    Nothing is stored and nobody is told. The rule is evaluated by what evaluates rules in the
    present, from nothing at `from`. `inhibited_by` goes by the alerts that are recorded of the rules
    that it names; mute times and silences say of each alert when people would have been told
    (`told_at`, `held_by`). Of a `no_data` rule times of receipt count, and what was silent at
    `from` already is shown from there on. What can't be known is in `unknown`. Local dates are
    those of the first place that the rule selects, else of the estate.
    """
    if services.previewer is None:
        raise ProblemError(503, "this Wattline tries no rules")
    rule = _rule(services, asked)
    timezone = _timezone(services, rule)
    from_us, to_us = (parse(text, timezone, name) for name, text in (("from", asked.from_), ("to", asked.to)))
    try:
        found = services.previewer.preview(rule, from_us, min(to_us, services.clock()))
    except PreviewRefused as error:
        raise invalid(error.field, shown(asked.to), error.value, error.fix) from None
    return _answer(found, timezone)


def _rule(services: Services, asked: PreviewInput) -> Rule:
    stored = services.registry.rules()
    if asked.rule is None:
        by_id = {rule.id: rule for rule in stored}
        if asked.rule_id not in by_id:
            raise unknown("rule_id", str(asked.rule_id), by_id, "/api/v1/rules")
        return by_id[asked.rule_id]
    rule = asked.rule.rule("api")
    faults = rule_faults.faults(rule, rule_faults.Known.of(services.catalog(), stored))
    if faults:
        errors = [
            FieldProblem(field=f"rule.{fault.key}", value=shown(fault.value), fix=fault.fix)
            for fault in faults
        ]
        raise ProblemError(422, "; ".join(f"{one.field}: {one.fix}" for one in errors), errors)
    return rule


def _timezone(services: Services, rule: Rule) -> str:
    catalog = services.catalog()
    for id_ in (*rule.select.places, *catalog.children(None)):
        if id_ in catalog.places:
            return catalog.places[id_].timezone
    return "UTC"


def _answer(found: RulePreview, timezone: str) -> RulePreviewAnswer:
    totals, highest = found.totals, found.highest
    return RulePreviewAnswer(
        rule=RuleItem.of(found.rule),
        from_=rfc3339(found.from_us, timezone),
        to=rfc3339(found.to_us, timezone),
        timezone=timezone,
        unit=found.unit,
        totals=PreviewTotals(
            targets=totals.targets,
            targets_with_alerts=totals.targets_with_alerts,
            observations=totals.observations,
            coverage=totals.coverage,
            alerts=totals.alerts,
            retrospective=totals.retrospective,
            not_told=totals.not_told,
            open=totals.open,
            per_week=totals.per_week,
            firing_hours=round(totals.firing_s / 3600, 2),
            longest_hours=round(totals.longest_s / 3600, 2),
            median_hours=round(totals.median_s / 3600, 2),
            waste=totals.waste,
        ),
        highest=None
        if highest is None
        else PreviewHighest(
            comparator=highest.comparator, p50=highest.p50, p95=highest.p95, most=highest.most
        ),
        episodes=[_episode(one, timezone) for one in found.episodes],
        next_action=Names(zh=found.next_action.zh, en=found.next_action.en),
        unknown=[Names(zh=one.zh, en=one.en) for one in found.unknown],
    )


def _episode(one: Episode, timezone: str) -> PreviewEpisode:
    return PreviewEpisode(
        target=PreviewTarget(kind=one.target.kind, id=one.target.id, place_id=one.place_id),
        pending_at=rfc3339(one.pending_us, timezone),
        fired_at=rfc3339(one.fired_us, timezone),
        ended_at=None if one.ended_us is None else rfc3339(one.ended_us, timezone),
        state=one.state,
        duration_s=one.duration_s,
        silent_s=one.silent_s,
        peak=one.peak,
        limit=one.limit,
        waste=one.waste,
        retrospective=one.retrospective,
        told_at=None if one.telling.told_us is None else rfc3339(one.telling.told_us, timezone),
        held_by=one.telling.held_by,
    )
