"""channels.yaml: every mistake is named by file, key, value and fix."""

import pytest

from core.delivery import Escalation, Event, Language
from core.model import Severity
from wattline.stated.channels import load

GOOD = """
channels:
  - id: duty
    kind: email
    host: mail.city.example
    sender: wattline@city.example
    to: [duty@city.example]
  - id: hook
    kind: webhook
    url: https://hooks.city.example/wattline
    secret_env: HOOK
routes:
  - id: all
    channels: [duty]
    match: {severities: [critical], events: [firing, resolved]}
    language: both
    digest: "08:00"
    quiet: [{start: "22:00", end: "06:00", weekdays: [6, 7]}]
    escalation: [{after_s: 600, channels: [hook]}]
"""


def loaded(folder, text, environ=None):
    (folder / "channels.yaml").write_text(text, encoding="utf-8")
    mistakes = []
    told = load(
        folder, {"HOOK": "whsec_aGVsbG8gaGVsbG8gaGVsbG8gaGVsbG8="} if environ is None else environ, mistakes
    )
    return told, [one.removeprefix(f"{folder}/channels.yaml: ") for one in mistakes]


def test_a_good_file(tmp_path):
    told, mistakes = loaded(tmp_path, GOOD)
    assert mistakes == []
    assert list(told.channels) == ["duty", "hook"]
    [route] = told.routes
    assert route.language is Language.BOTH
    assert route.match.severities == (Severity.CRITICAL,)
    assert route.match.events == (Event.FIRING, Event.RESOLVED)
    assert route.escalation == (Escalation(600.0, ("hook",)),)


def test_no_file_tells_nobody(tmp_path):
    mistakes = []
    told = load(tmp_path, {}, mistakes)
    assert (dict(told.channels), told.routes, mistakes) == ({}, (), [])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("kind: webhook", "kind: pager", "channels[1].kind = 'pager': write one of webhook, email"),
        ("url: https://hooks", "adress: https://hooks", "channels[1].url: is missing: add it"),
        (
            "https://hooks.city.example/wattline",
            "ftp://x",
            "channels[1].url = 'ftp://x': write an address like",
        ),
        ("https://hooks.", "https://user:pw@hooks.", "leave user and password out"),
        (
            "to: [duty@city.example]",
            "to: [duty]",
            "channels[0].to[0] = 'duty': write an address like name@host",
        ),
        ("to: [duty@city.example]", "to: []", "channels[0].to = []"),
        ("secret_env: HOOK", "secret_env: OTHER", "channels[1].secret_env = 'OTHER': is not set"),
        ("secret_env: HOOK", "secret_file: /nowhere", "channels[1].secret_file = '/nowhere': can't be read"),
        ("    secret_env: HOOK\n", "", "channels[1].secret_file: is missing"),
        ("secret_env: HOOK", "secret: open", "channels[1].secret: is no key of ours"),
        ("id: hook", "id: duty", "channels[1].id = 'duty': is used before"),
        (
            "channels: [duty]",
            "channels: [nobody]",
            "routes[0].channels = 'nobody': is no channel: duty, hook",
        ),
        ("channels: [duty]", "channels: []", "routes[0].channels: is empty"),
        ("channels: [hook]", "channels: [boss]", "routes[0].escalation[0].channels = 'boss': is no channel"),
        ("[critical]", "[urgent]", "routes[0].match.severities[0] = 'urgent'"),
        ('digest: "08:00"', 'digest: "8"', "routes[0].digest = '8': write a time of day"),
        ('start: "22:00"', 'start: "25:00"', "routes[0].quiet[0].start = '25:00': write a time of day"),
        ("weekdays: [6, 7]", "weekdays: [0]", "routes[0].quiet[0].weekdays = [0]: write numbers from 1"),
        ("after_s: 600", "after_s: -1", "routes[0].escalation.after_s"),
        ("language: both", "language: fr", "routes[0].language = 'fr'"),
        (
            "language: both",
            "langauge: zh",
            "routes[0].langauge = 'zh': is no key of ours: did you mean language?",
        ),
        ("language: both", "timezone: Mars/Base", "routes[0].timezone = 'Mars/Base': write an IANA name"),
        ("language: both", "repeat_s: 1", "routes[0].repeat_s = 1: write at least 60"),
        ("language: both", "storm: 0", "routes[0].storm = 0"),
        ("routes:", "rules:", "rules"),
    ],
)
def test_a_mistake_is_told_with_its_fix(tmp_path, old, new, said):
    assert old in GOOD
    _, mistakes = loaded(tmp_path, GOOD.replace(old, new))
    assert any(said in one for one in mistakes), mistakes


def test_no_mistake_repeats_a_secret(tmp_path):
    text = GOOD.replace("secret_env: HOOK", "secret: whsec_geheim\n    password: geheim")
    _, mistakes = loaded(tmp_path, text)
    assert mistakes
    assert not any("geheim" in one for one in mistakes)
