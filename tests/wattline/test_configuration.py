from pathlib import Path

import pytest

from core.errors import ConfigError
from wattline.configuration import check, load_estate, load_settings

SHIPPED = Path(__file__).parents[2] / "config"


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


def test_every_mistake_is_reported_at_once_with_file_key_value_and_fix(tmp_path):
    folder = write(
        tmp_path,
        wattline="broker: {port: 99999, hots: x}\nstore: {kind: oracle}",
        places="places:\n"
        "- {id: a, kind: building, name: {zh: 甲, en: A}, timezone: Mars/Base}\n"
        "- {id: b/c, kind: hut, name: {zh: 乙}, timezone: UTC}",
        devices="devices: 7",
        rules="rules:\n- {id: r, name: {zh: 规, en: R}, quantity: power, comparator: above, threshold: high}",
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
        "rules.yaml: rules[0].quantity = 'power': no such quantity",
        "rules.yaml: rules[0].threshold = 'high'",
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
        rules=f"rules:\n- {{id: r, {name}, quantity: power_active, comparator: above, threshold: 1,"
        " clear_threshold: 2, action: {zh: 做, en: do}}",
    )
    told = "\n".join(check(folder, {}))
    assert "places[2].id = 'b': is used before" in told
    assert "places[2].parent_id = 'nowhere': no such place" in told
    assert "devices[0].place_id = 'z': no such place" in told
    assert "devices[0].parent_device_id = 'y': no such device" in told
    assert "rules[0].clear_threshold = 2: must be at or below the threshold 1" in told


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
