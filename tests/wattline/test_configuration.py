from pathlib import Path

import pytest

from core.errors import ConfigError
from core.model import RegisterSettings
from wattline.stated.configuration import check, load_estate, load_references, load_settings

SHIPPED = Path(__file__).parents[2] / "config"


NAMED = "name: {zh: 名, en: N}"
RULE = f"{NAMED}, action: {{zh: 做, en: do}},"


def write(folder, **files):
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def test_what_is_shipped_has_no_mistakes_and_states_the_defaults(tmp_path):
    assert check(SHIPPED, {}) == []
    assert load_settings(SHIPPED, {}) == load_settings(tmp_path, {})
    assert load_estate(SHIPPED).rules


def test_a_variable_overrides_the_file(tmp_path):
    folder = write(tmp_path, wattline="http: {port: 1}\nstore: {kind: influx}")
    settings = load_settings(folder, {"WATTLINE_HTTP__PORT": "9000", "HOME": "/root"})
    assert (settings.http.port, settings.store.kind) == (9000, "influx")


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("10.20.0.0/16", ("10.20.0.0/16",)),
        ("10.20.0.0/16, fd12::/16", ("10.20.0.0/16", "fd12::/16")),
        ("", ()),
    ],
)
def test_items_of_a_list_in_a_variable_are_separated_by_commas(tmp_path, text, ranges):
    folder = write(tmp_path, wattline="alerts: {allow_networks: [192.168.7.0/24]}")
    settings = load_settings(folder, {"WATTLINE_ALERTS__ALLOW_NETWORKS": text})
    assert settings.alerts.allow_networks == ranges


@pytest.mark.parametrize(
    "text", ["[10.20.0.0/16]", "10.20.0.0/16 fd12::/16", "10.20.0.0/16,", "10.20.0.1/16"]
)
def test_a_list_in_a_variable_that_is_none_says_how_to_write_it(tmp_path, text):
    (mistake,) = check(tmp_path, {"WATTLINE_ALERTS__ALLOW_NETWORKS": text})
    assert mistake.startswith("WATTLINE_ALERTS__ALLOW_NETWORKS = ")
    assert "write ranges like 10.20.0.0/16; in a variable several are separated by commas" in mistake


def test_every_mistake_is_reported_at_once_with_file_key_value_and_fix(tmp_path):
    folder = write(
        tmp_path,
        wattline="broker: {port: 99999, hots: x}\nstore: {kind: oracle}",
        places="places:\n"
        "- {id: a, kind: building, name: {zh: 甲, en: A}, timezone: Mars/Base}\n"
        "- {id: b/c, kind: hut, name: {zh: 乙}, timezone: UTC}",
        devices="devices: 7",
        rules="rules:\n- {id: r, name: {zh: 规, en: R}, mute: [{start: 9, end: '25:00'}],\n"
        "   condition: {kind: threshold, quantity: power, comparator: above, threshold: high, tresh: 1}}\n"
        f"- {{id: s, {RULE} condition: {{kind: tresh}}}}\n"
        f"- {{id: t, {RULE} condition: {{threshold: 1}}}}",
    )
    mistakes = check(folder, {"WATTLINE_HTTP__PORT": "eighty"})
    told = "\n".join(mistakes)
    for expected in (
        "wattline.yaml: broker.port = 99999: input should be less than or equal to 65535",
        "wattline.yaml: broker.hots = 'x': is no key of ours: did you mean host?",
        "wattline.yaml: store.kind = 'oracle': input should be 'duckdb' or 'influx'",
        "WATTLINE_HTTP__PORT = 'eighty': input should be a valid integer",
        "places.yaml: places[0].timezone = 'Mars/Base': must be an IANA time zone",
        "places.yaml: places[1].id = 'b/c'",
        "places.yaml: places[1].kind = 'hut'",
        "places.yaml: places[1].name.en: is missing: add it",
        "devices.yaml: devices = 7",
        "rules.yaml: rules[0].condition.quantity = 'power': no such quantity",
        "rules.yaml: rules[0].condition.threshold = 'high'",
        "rules.yaml: rules[0].condition.tresh = 1: is no key of ours",
        "rules.yaml: rules[0].mute[0].start = 9: input should be a valid string",
        "rules.yaml: rules[0].mute[0].end = '25:00': must be a time of the day such as '22:00'",
        "rules.yaml: rules[1].condition = {'kind': 'tresh'}: kind 'tresh' is none: use one of 'threshold'",
        "rules.yaml: rules[2].condition = {'threshold': 1}: has no kind: add one",
        "rules.yaml: rules[0].action: is missing: add it",
    ):
        assert expected in told


def test_references_between_files_are_checked(tmp_path):
    name = "name: {zh: 名, en: N}"
    folder = write(
        tmp_path,
        places=f"places:\n- {{id: a, kind: site, {name}, timezone: UTC, parent_id: b}}\n"
        f"- {{id: b, kind: site, {name}, timezone: UTC, parent_id: a}}\n"
        f"- {{id: b, kind: site, {name}, timezone: UTC, parent_id: nowhere}}",
        devices=f"devices:\n- {{id: m, kind: meter, place_id: z, parent_device_id: y, {name}}}",
        rules=f"rules:\n- {{id: r, {RULE} condition: {{kind: threshold, quantity: power_active,"
        " comparator: above, threshold: 1, clear_threshold: 2},"
        " select: {places: [c], devices: [n], tags: [roof], categories: [school]}, inhibited_by: [s, r]}",
    )
    told = "\n".join(check(folder, {}))
    assert "places[2].id = 'b': is used before" in told
    assert "places[2].parent_id = 'nowhere': no such place" in told
    assert "devices[0].place_id = 'z': no such place" in told
    assert "devices[0].parent_device_id = 'y': no such device" in told
    for expected in (
        "rules[0].condition.clear_threshold = 2.0: must be at or below the threshold 1",
        "rules[0].select.places[0] = 'c': there is no such place",
        "rules[0].select.devices[0] = 'n': there is no such device",
        "rules[0].select.tags[0] = 'roof': there is no such tag",
        "rules[0].select.categories[0] = 'school': there is no such category",
        "rules[0].inhibited_by[0] = 's': there is no such rule",
        "rules[0].inhibited_by[1] = 'r': is the rule itself: remove it",
    ):
        assert expected in told


def test_a_loop_of_places_is_a_mistake(tmp_path):
    name = "name: {zh: 名, en: N}"
    folder = write(
        tmp_path,
        places=f"places:\n- {{id: a, kind: site, {name}, timezone: UTC, parent_id: b}}\n"
        f"- {{id: b, kind: site, {name}, timezone: UTC, parent_id: a}}",
    )
    assert len(check(folder, {})) == 2


def test_a_file_that_is_not_yaml_is_named(tmp_path):
    folder = write(tmp_path, wattline="broker: [unclosed")
    with pytest.raises(ConfigError, match=r"wattline\.yaml: not readable as YAML"):
        load_settings(folder, {})


def test_secrets_that_are_not_there_are_named(tmp_path):
    folder = write(tmp_path, wattline="broker: {password_file: /no/such/file}")
    assert "broker.password_file = '/no/such/file': no such file" in check(folder, {})[0]


def test_a_secret_is_not_repeated(tmp_path):
    mistakes = check(tmp_path, {"WATTLINE_BROKER__PASSWORD": "hunter2"})
    assert mistakes == ["WATTLINE_BROKER__PASSWORD: is no key of ours: did you mean password_file?"]


TARIFF = "unit: kWh, currency: CNY, versions: [{since: 2026-01-01, source: us, region: CN, "


def test_what_is_shipped_can_be_put_and_shown():
    found = load_references(SHIPPED)
    assert {"cn-office"} <= found.calendars.keys()
    assert found.factors
    assert found.tariffs
    assert found.calendars["cn-office"].years
    assert found.policies["dlt645"].source


def test_registers_of_a_device_are_part_of_the_estate(tmp_path):
    folder = write(
        tmp_path,
        places=f"places:\n- {{id: a, kind: organisation, {NAMED}, timezone: UTC}}",
        devices=f"devices:\n- {{id: m, kind: meter, place_id: a, {NAMED}, meter_type: three_phase, "
        "rated_power_w: 1e5, organisation_id: a, item: special,\n"
        "   registers: [{quantity: power_active, ratio: 40}, "
        "{quantity: energy_active_import_total, ratio: 40, policy: mine, rollover_at: 1e6}]}",
        policies="policies:\n- {id: mine, max_rate: 12.5}",
    )
    assert check(folder, {}) == []
    estate = load_estate(folder)
    assert estate.devices[0].rated_power_w == 1e5
    assert estate.registers == (
        RegisterSettings("m", "power_active", 40),
        RegisterSettings("m", "energy_active_import_total", 40, 1e6, policy="mine"),
    )
    assert load_references(folder).policies["mine"].max_rate == 12.5


def test_mistakes_of_registers_formulas_and_accounts_name_the_fix(tmp_path):
    folder = write(
        tmp_path,
        places=f"places:\n- {{id: a, kind: site, {NAMED}, timezone: UTC, calendar_id: none, "
        "tariffs: {electricity: wet, water: dry}}",
        tariffs=f"tariffs:\n- {{id: wet, {NAMED}, energy: water, {TARIFF}"
        "prices: [{band: flat, price: 0.5}]}]}",
        devices=f"devices:\n"
        f"- {{id: m, kind: meter, place_id: a, {NAMED}, formula: '[v]', organisation_id: a, registers: ["
        "{quantity: power_active, ratio: 0}, {quantity: joy}]}\n"
        f"- {{id: n, kind: meter, place_id: a, {NAMED}, parent_device_id: n, registers: ["
        "{quantity: power_active, policy: dlt645}, {quantity: power_active}, "
        "{quantity: water_volume_total, policy: dlt64}]}\n"
        f"- {{id: v, kind: virtual, place_id: a, {NAMED}, formula: '[m] -', parent_device_id: m, "
        "registers: [{quantity: power_active}]}\n"
        f"- {{id: w, kind: virtual, place_id: a, {NAMED}}}",
    )
    told = "\n".join(check(folder, {}))
    for expected in (
        "places[0].calendar_id = 'none': not in calendars.yaml",
        "places[0].tariffs.electricity = 'wet': prices water",
        "places[0].tariffs.water = 'dry': not in tariffs.yaml: choose one of wet",
        "devices[0].registers[0].ratio = 0: input should be greater than 0",
        "devices[0].registers[1].quantity = 'joy': no such quantity",
    ):
        assert expected in told
    (folder / "devices.yaml").write_text(
        (folder / "devices.yaml").read_text().replace("ratio: 0}, {quantity: joy}", "ratio: 1}")
    )
    told = "\n".join(check(folder, {}))
    for expected in (
        "devices[0].formula = '[v]': only a virtual meter has one: remove it",
        "devices[0].organisation_id = 'a': no organisation in places.yaml",
        "devices[1].parent_device_id = 'n': is below 'n' itself",
        "devices[1].registers[0].policy = 'dlt645': power_active is no counter: remove it",
        "devices[1].registers[1].quantity = 'power_active': is given before",
        "devices[1].registers[2].policy = 'dlt64': no such policy: choose one of counter",
        "devices[2].registers: a virtual meter has none: remove them",
        "devices[2].parent_device_id = 'm': a virtual meter has none",
        "devices[2].formula = '[m] -'",
        "devices[3].formula: is missing: add one",
    ):
        assert expected in told


def test_mistakes_of_documents_name_file_item_key_value_and_fix(tmp_path):
    folder = write(
        tmp_path,
        calendars=f"calendars:\n- {{id: c, {NAMED}, country: Mars, wekend: [5]}}\n- {{id: d, {NAMED}, "
        "country: XX, hours: [{start: 8:30, end: 10:07}]}",
        quotas="quotas:\n- {id: q, place_id: a, energy: joy, year: 26, amount: 0, unit: kWh}\n"
        "- {id: q, place_id: a, energy: coal, year: 2026, amount: 1, unit: kgce}",
        policies="policies:\n- {id: p, max_rate: fast}",
        factors="factors: none",
    )
    told = "\n".join(check(folder, {}))
    for expected in (
        "calendars.yaml: calendars[0].wekend = [5]: is no key of ours: did you mean weekend?",
        "quotas.yaml: quotas[0].energy = 'joy': write one of electricity",
        "quotas.yaml: quotas[0].year = 26: write a year from",
        "quotas.yaml: quotas[0].amount = 0: must be above 0",
        "quotas.yaml: quotas[1].id = 'q': is used before",
        "policies.yaml: policies[0].max_rate = 'fast': input should be a valid number",
        "factors.yaml: factors = 'none'",
    ):
        assert expected in told
    write(
        tmp_path,
        calendars=f"calendars:\n- {{id: d, {NAMED}, country: Mars, hours: [{{start: 8:30, end: 10:07}}]}}",
        policies="policies:\n- {id: p, max_rate: -1, step: 0}",
    )
    told = "\n".join(check(folder, {}))
    for expected in (
        "calendars.yaml: calendars[0].country = 'Mars': its holidays are not known",
        "calendars.yaml: calendars[0].hours[0].end = '10:07': write HH:MM on a quarter hour",
        "policies.yaml: policies[0].max_rate = -1: must be above 0",
    ):
        assert expected in told
    assert "step" not in told


def test_the_examples_in_the_files_are_right(tmp_path):
    for path in SHIPPED.glob("*.yaml"):
        head, mark, example = path.read_text(encoding="utf-8").partition(f"\n# {path.stem}:\n")
        lines = (line.removeprefix("# ") for line in example.splitlines())
        text = f"{path.stem}:\n" + "\n".join(lines) if mark else head
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    assert check(tmp_path, {}) == []
    estate = load_estate(tmp_path)
    assert estate.registers
    assert any(device.formula for device in estate.devices)
    assert load_references(tmp_path).quotas


def test_a_gateway_is_a_device_of_that_kind(tmp_path):
    folder = write(
        tmp_path,
        places=f"places:\n- {{id: a, kind: site, {NAMED}, timezone: UTC}}",
        devices=f"devices:\n- {{id: g, kind: gateway, place_id: a, {NAMED}}}\n"
        f"- {{id: m, kind: meter, place_id: a, {NAMED}, gateway_id: g, tags: [roof]}}\n"
        f"- {{id: n, kind: meter, place_id: a, {NAMED}, gateway_id: m}}",
    )
    (told,) = check(folder, {})
    assert "devices[2].gateway_id = 'm': no gateway in devices.yaml" in told


def test_rules_may_name_what_is_registered_elsewhere(tmp_path):
    condition = "condition: {kind: no_data}"
    text = f"rules:\n- {{id: r, {RULE} {condition}, select: {{places: [x], devices: [y], tags: [z]}}}}"
    assert check(write(tmp_path, rules=text), {}) == []
    assert load_estate(tmp_path).all_rules
    (tmp_path / "rules.yaml").unlink()
    assert not load_estate(tmp_path).all_rules
