"""What the Registry promises of rules, gateways and tags, on both databases."""

from dataclasses import fields, replace

import pytest

from core.errors import Conflict
from core.estate import Estate
from core.model import Comparator, Device, DeviceKind, Name
from core.quantities import Energy
from core.rules import CONDITIONS, Active, MuteTime, Period, Selector
from tests.storage.registries import device, place, rule

STATED = {
    "quantity": "power_active",
    "comparator": Comparator.BELOW,
    "threshold": 12.5,
    "energy": Energy.WATER,
    "period": Period.WEEK,
}


def condition(kind):
    """A condition of a kind with everything stated that has no default."""
    names = {field.name for field in fields(CONDITIONS[kind])}
    return CONDITIONS[kind](**{name: value for name, value in STATED.items() if name in names})


@pytest.mark.parametrize("kind", CONDITIONS)
def test_a_rule_of_every_kind_comes_back_as_it_was(estate, kind):
    whole = rule(
        "r",
        condition(kind),
        select=Selector(("p",), ("d0",), ("office",), ("roof",)),
        keep_firing_for_s=60.0,
        active=Active.OFF_HOURS,
        mute=(MuteTime("22:00", "06:00", (6, 7)), MuteTime("12:00", "13:00")),
        runbook="https://example.org",
        deadline_s=60.0,
        approval=True,
        enabled=False,
        origin="api",
    )
    estate.put_rule(whole)
    assert estate.rules() == [whole]
    assert estate.rule("r") == whole


def test_rules_are_the_same_list_until_one_changes(estate):
    estate.put_rule(rule("b", origin="api"))
    before = estate.rules()
    estate.put_rule(rule("b", origin="api"))
    assert estate.rules() is before
    revision = estate.revision()
    estate.put_rule(rule("a", origin="api"))
    assert [one.id for one in estate.rules()] == ["a", "b"]
    assert estate.revision() == revision._replace(rules=revision.rules + 1)


def test_what_a_rule_names_must_be_there(estate):
    wrong = rule("r", select=Selector(("x",), ("y",)), inhibited_by=("z", "r"), origin="api")
    with pytest.raises(Conflict) as caught:
        estate.put_rule(wrong)
    for named in ("no place 'x'", "no device 'y'", "no rule 'z'", "can't inhibit itself"):
        assert named in str(caught.value)
    assert estate.rules() == []


def test_a_rule_of_a_file_may_name_what_comes_later(estate):
    early = rule("r", select=Selector(devices=("later",)))
    estate.put_estate(Estate(rules=(early,)))
    assert estate.rules() == [early]


def test_a_rule_of_a_file_is_the_files(estate):
    estate.put_estate(Estate(rules=(rule("f"),)))
    with pytest.raises(Conflict, match=r"rules\.yaml"):
        estate.put_rule(rule("f", for_s=1.0, origin="api"))
    with pytest.raises(Conflict, match=r"rules\.yaml"):
        estate.drop_rule("f")
    assert estate.rules() == [rule("f")]


def test_a_file_that_states_a_rule_no_more_drops_it_and_no_other(estate):
    estate.put_estate(Estate(rules=(rule("f1"), rule("f2"))))
    estate.put_rule(rule("a", origin="api"))
    estate.put_estate(Estate(places=(place("q"),)))
    assert len(estate.rules()) == 3
    estate.put_estate(Estate(rules=(rule("f2"),), all_rules=True))
    assert [one.id for one in estate.rules()] == ["a", "f2"]
    assert estate.rule("f1") == rule("f1")
    estate.put_estate(Estate(rules=(rule("f1"), rule("f2")), all_rules=True))
    assert [one.id for one in estate.rules()] == ["a", "f1", "f2"]


def test_a_dropped_rule_is_there_for_its_alerts_alone(estate):
    estate.put_rule(rule("r", origin="api"))
    assert estate.drop_rule("r")
    assert not estate.drop_rule("r")
    assert not estate.drop_rule("never")
    assert estate.rules() == []
    assert estate.rule("r") == rule("r", origin="api")
    assert estate.rule("never") is None
    estate.put_rule(rule("r", origin="api"))
    assert len(estate.rules()) == 1


def test_a_rule_that_holds_others_back_is_not_dropped(estate):
    estate.put_rule(rule("r", origin="api"))
    estate.put_rule(rule("s", inhibited_by=("r",), origin="api"))
    with pytest.raises(Conflict, match="inhibits s"):
        estate.drop_rule("r")


def test_devices_have_a_gateway_and_tags(estate):
    gateway = Device("g", DeviceKind.GATEWAY, "p", Name("网关", "Gateway"))
    tagged = replace(device("m"), gateway_id="g", tags=("roof", "屋顶"))
    estate.put_estate(Estate(devices=(tagged, gateway)))
    assert estate.catalog().devices["m"] == tagged
    estate.put_device(replace(tagged, tags=()))
    assert estate.catalog().devices["m"].tags == ()
    for wrong, said in (("x", "is not registered"), ("d0", "is a meter")):
        with pytest.raises(Conflict, match=said):
            estate.put_device(replace(tagged, gateway_id=wrong))
