"""The campaigns of `make fuzz` count what they say, without the fuzzer itself."""

import json
import re

import pytest

from ingest.decoders import DECODERS
from tests.fuzz import campaign
from tests.fuzz.intake import Rig
from tools import fuzz

# The codec panics at text that is not UTF-8, and the reason why comes from nowhere in particular.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def test_what_breaks_is_kept_and_the_campaign_goes_on(tmp_path):
    def target(data: bytes) -> None:
        assert data != b"bad", "as it should not be"

    told, ended = [], []
    run = campaign.Campaign("x", target, 1e-6, tmp_path, tell=told.append, end=ended.append)
    run.memory = [(0, 2**20), (1, 2**20)]
    run.one_input(b"bad")
    for _ in range(3):
        run.one_input(b"good")
    run.looked -= 10
    run.one_input(b"bad")
    assert (tmp_path / "broken-0").read_bytes() == b"bad"
    assert "as it should not be" in told[0]
    found = json.loads(told[-1])
    assert (found["execs"], list(found["broken"].values()), ended) == (5, [2], [1])


@pytest.mark.parametrize("data", [b"", b"x", b"\x00\x20", bytes(range(256))])
def test_any_bytes_are_an_input(tmp_path, data):
    campaign.stream_target()(data)
    for decoder in DECODERS:
        (tmp_path / decoder).mkdir()
        rig = Rig(tmp_path / decoder, decoder)
        campaign.decoder_target(rig)(data)
        campaign.shape_target(rig, decoder)(data)
        rig.close()


def test_every_seed_of_the_stream_is_an_input():
    target = campaign.stream_target()
    for seed in campaign.stream_seeds():
        target(seed)


def test_the_dictionary_has_one_word_a_line(tmp_path):
    lines = campaign.dictionary(tmp_path).read_text().splitlines()
    assert len(lines) > 50
    assert [line for line in lines if not re.fullmatch(r'"(\\x[0-9a-f]{2})+"', line)] == []


def test_every_decoder_is_fuzzed_without_being_named():
    assert all(f"decoders-{name}" in fuzz.KINDS["decoders"] for name in DECODERS)


@pytest.mark.parametrize(
    ("name", "seconds", "told"),
    [("decoder", "5", "there are: decoders, shapes, stream"), ("stream", "soon", "SECONDS=300")],
)
def test_a_wrong_campaign_says_what_there_is(capsys, name, seconds, told):
    with pytest.raises(SystemExit) as stopped:
        fuzz.main(name, seconds)
    assert told in f"{stopped.value}{capsys.readouterr()}"
