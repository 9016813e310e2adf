"""Topics and payloads to order: what devices send, what they should not, and what nobody expects."""

import json
from collections.abc import Callable
from pathlib import Path

from hypothesis import strategies as st

from core.quantities import QUANTITIES
from ingest.decoders import DECODERS
from tests.fuzz.intake import KNOWN_DEVICES, NOW_US, REPEATED, Message

CORPUS = Path(__file__).parent / "corpus"
SEPARATOR = b"\n\x1e\n"
"""Between the messages of a seed; each is a topic, a line end and the payload."""

DEVICES = (*KNOWN_DEVICES, "m2", "", "m1/x", "+", "#", "$SYS", "m1\0", "米", "m" * 300, ".", "M1")

# Times around every edge: none, seconds for milliseconds, now, the future, int64 in ms and µs, beyond.
INTEGERS = (
    0,
    -1,
    1,
    255,
    65535,
    2**31,
    2**32,
    2**53 + 1,
    2**63 - 1,
    -(2**63),
    2**63,
    2**64,
    -(2**64),
    10**30,
)
TIMES_MS = (NOW_US // 1000, NOW_US // 1000 - 60_000, NOW_US // 10**6, 946_684_799_999, 946_684_800_000)
TIMES_MS += (9_223_372_036_854_775, 9_223_372_036_854_776, -9_223_372_036_854_775)
NUMBERS = [
    *map(str, INTEGERS + TIMES_MS),
    *("NaN", "Infinity", "-Infinity", "-0", "-0.0", "1e308", "-1e308", "1e309", "1e-400", "1e999999", "0.1"),
    *("1" * 400, "1" * 5000, "0." + "3" * 400, "01", "+1", ".5", "1.", "0x1F", "1_000", "1e", "--1"),
]
TEXTS = [
    *(
        '""',
        '"1"',
        '"12.5"',
        '"NaN"',
        '"inf"',
        '"-1e999"',
        '"1_000"',
        '" 1 "',
        '"0x1F"',
        '"\\u0661"',
        '"true"',
    ),
    *('"2026-11-20T08:00:00+08:00"', '"2026-11-20T08:00:00"', '"2026-11-20"', '"2026-W47-5T08:00Z"'),
    *('"0001-01-01T00:00:00+23:59"', '"9999-12-31T23:59:59.999999-23:59"', '"2016-12-31T23:59:60Z"'),
    *(
        '"2026-11-20T24:00:00Z"',
        '"1795161600000"',
        '"\\ud800"',
        '"\\udc00\\ud800"',
        '"\\u0000"',
        '"a\\u0000b"',
    ),
    *('"\ud83d\ude00"'.encode("utf-16", "surrogatepass").decode("utf-16"), '"\\"', '"', '"\x01"'),
]
WORDS = ["null", "true", "false", "nul", "[]", "{}", "", " ", ",", "[", "{", "]", "}"]
KEYS = [json.dumps(key) for key in (
    "ts", "lat", "lon", "speed", "course", "accuracy", "ignition", "odometer", "fuel", "soc", *QUANTITIES,
    "colour", "", "TS", "\0", "power_active\0", "米", "x" * 300,
)] + ['"\\ud800"', "ts", "1", "null"]  # fmt: skip


def topics(decoder: str) -> st.SearchStrategy[str]:
    """Topics that its filters let through, and any other."""
    filters = st.sampled_from(list(DECODERS[decoder].TOPIC_FILTERS))
    names = st.sampled_from(DEVICES) | st.text(max_size=8)
    fitting = st.builds(lambda pattern, name: pattern.replace("+", name).replace("#", name), filters, names)
    return st.one_of(fitting, fitting, fitting, st.text(max_size=20))


def _scalars() -> st.SearchStrategy[str]:
    return st.one_of(
        st.sampled_from(NUMBERS),
        st.integers().map(str),
        st.floats(allow_nan=False, allow_infinity=False).map(repr),
        st.sampled_from(TEXTS),
        st.text(max_size=12).map(json.dumps),
        st.sampled_from(WORDS),
    )


def _objects(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Objects with any keys, the same one twice among them."""
    pairs = st.tuples(st.sampled_from(KEYS), inner).map(": ".join)
    return st.lists(pairs, max_size=6).map(lambda found: "{" + ", ".join(found) + "}")


def _values() -> st.SearchStrategy[str]:
    def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.lists(inner, max_size=4).map(_listed) | _objects(inner)

    return st.recursive(_scalars(), grown, max_leaves=8)


def _listed(items: list[str]) -> str:
    return "[" + ", ".join(items) + "]"


def _deep() -> st.SearchStrategy[bytes]:
    """Brackets upon brackets, closed or not."""
    return st.builds(
        lambda opening, depth, closing, heart: opening * depth + heart + closing * depth,
        st.sampled_from([b"[", b'{"ts":', b'[{"power_active":', b"[[],"]),
        st.sampled_from([1, 30, 900, 1100, 20_000]),
        st.sampled_from([b"", b"]", b"}", b"}]"]),
        st.sampled_from([b"", b"1", b'"x"']),
    )


def _long() -> st.SearchStrategy[bytes]:
    """Payloads about as long as the broker lets through, 256 KiB."""
    return st.sampled_from([
        b'{"power_active": "' + b"x" * 260_000 + b'"}',
        b'{"' + b"x" * 260_000 + b'": 1}',
        b'{"ts": "' + b"9" * 260_000 + b'", "power_active": 1}',
        b'{"ts": ' + b"9" * 4000 + b', "power_active": 1}',
        b'{"power_active": 1' + b"0" * 260_000 + b"}",
        b"[" + b"1," * 100_000 + b"1]",
        b"[" + b"{}," * 80_000 + b"{}]",
        b"[" + b'{"x":1},' * 30_000 + b"{}]",
        b"{" + b",".join(b'"%d":%d' % (n, n) for n in range(20_000)) + b"}",
        b" " * 262_144,
    ])  # fmt: skip


def seeds(decoder: str) -> list[list[Message]]:
    """Batches in tests/fuzz/corpus/decoders/<decoder>."""
    return [messages_of(path.read_bytes()) for path in sorted((CORPUS / "decoders" / decoder).glob("*"))]


def messages_of(seed: bytes) -> list[Message]:
    """The batch that a seed holds; any bytes hold one."""
    parts = (part.partition(b"\n") for part in seed.split(SEPARATOR))
    return [(topic.decode("utf-8", "replace"), payload) for topic, _, payload in parts]


def _damaged(payload: bytes, at: int, bite: int, filling: bytes) -> bytes:
    at = at % (len(payload) + 1)
    return payload[:at] + filling + payload[at + bite :]


def payloads(decoder: str, *, long: bool = False) -> st.SearchStrategy[bytes]:
    """Bytes that look like what the decoder reads, almost like it, and nothing like it."""
    known = [payload for batch in seeds(decoder) for _, payload in batch] + [REPEATED[1]]
    encode: Callable[[str], bytes] = lambda text: text.encode("utf-8", "surrogatepass")  # noqa: E731
    damaged = st.builds(
        _damaged, st.sampled_from(known), st.integers(0, 4000), st.integers(0, 4), st.binary(max_size=4)
    )
    objects = _objects(_values()).map(encode)
    lists = st.lists(_objects(_values()), max_size=4).map(_listed).map(encode)
    every = [
        st.sampled_from(known),
        damaged,
        objects,
        objects,
        lists,
        _values().map(encode),
        st.binary(max_size=60),
    ]
    return st.one_of(*every, *([_deep(), _long()] if long else []))


def batches(decoder: str, *, long: bool = False) -> st.SearchStrategy[list[Message]]:
    """Batches of a few messages."""
    message = st.tuples(topics(decoder), payloads(decoder, long=long)) | st.just(REPEATED)
    return st.lists(message, min_size=1, max_size=6)
