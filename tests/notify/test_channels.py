"""Each channel against a real server of its kind."""

import base64
import email
import hashlib
import hmac
import json
import ssl
from urllib.parse import parse_qs, urlsplit

import paho.mqtt.client as paho
import pytest
import trustme
from aiosmtpd.smtp import AuthResult, LoginPassword

from core.delivery import Outcome
from notify.channels import CHANNELS
from notify.channels.base import Broker, Surroundings
from notify.compose import trial
from notify.http import Transport
from notify.message import Form, Message, from_body
from tests.notify.receivers import Mailbox, Receiver, answer, mail_server
from tests.servers import free_port

pytestmark = pytest.mark.anyio

NOW_US = 1_795_320_000_123_456
MESSAGE = Message(
    "告警 / Alert", "一号楼 **功率**过高", "critical", "<b>一号楼</b>", {"type": "alerts.alerts", "data": {}}
)
TOKEN, SIGNED, LOGIN = {"token_env": "TOKEN"}, {"secret_env": "SECRET"}, {"password_env": "PASSWORD"}
ENVIRON = {"TOKEN": "tok-123", "SECRET": "SECabc", "PASSWORD": "geheim"}


@pytest.fixture
async def receiver():
    made = Receiver()
    async with made.serving():
        yield made


def opened(broker=None, **settings):
    around = Surroundings(Transport(("127.0.0.0/8",), 2.0), broker, ENVIRON)
    made = CHANNELS[settings["kind"]].model_validate({"id": "it"} | settings)
    assert made.mistakes(ENVIRON) == []
    return made.open(around)


def said(code, key="errcode", text_key="errmsg"):
    return answer(200, json.dumps({key: code, text_key: "as the robot says"}).encode())


async def test_dingtalk_signs_in_the_address_and_takes_no_for_an_answer(receiver):
    """Compared with the example in the vendor's documentation, computed here anew."""
    receiver.script = [said(0), said(310000), said(130101), said(-1), answer(200, b"<html>")]
    channel = opened(kind="dingtalk", url=receiver.url, **TOKEN, **SIGNED)
    results = [await channel.send("msg_1", MESSAGE, NOW_US) for _ in receiver.script]
    assert [one.outcome for one in results] == [
        Outcome.DELIVERED,
        Outcome.DEAD,
        Outcome.RETRY,
        Outcome.RETRY,
        Outcome.RETRY,
    ]
    assert results[2].retry_after_s == 600
    query = parse_qs(urlsplit(receiver.requests[0].path).query)
    assert query["access_token"] == ["tok-123"]
    assert query["timestamp"] == [str(NOW_US // 1000)]
    digest = hmac.new(b"SECabc", f"{NOW_US // 1000}\nSECabc".encode(), hashlib.sha256).digest()
    assert query["sign"] == [base64.b64encode(digest).decode()]
    body = json.loads(receiver.requests[0].body)
    assert body == {"msgtype": "markdown", "markdown": {"title": MESSAGE.title, "text": MESSAGE.text}}


async def test_feishu_signs_in_the_body_with_the_text_as_the_key(receiver):
    receiver.script = [said(0, "code", "msg"), said(19021, "code", "msg"), said(11232, "code", "msg")]
    channel = opened(kind="feishu", url=receiver.url, **TOKEN, **SIGNED)
    results = [await channel.send("msg_1", MESSAGE, NOW_US) for _ in receiver.script]
    assert [one.outcome for one in results] == [Outcome.DELIVERED, Outcome.DEAD, Outcome.RETRY]
    assert receiver.requests[0].path == "/hook/tok-123"
    body = json.loads(receiver.requests[0].body)
    seconds = NOW_US // 1_000_000
    digest = hmac.new(f"{seconds}\nSECabc".encode(), b"", hashlib.sha256).digest()
    assert body["timestamp"] == str(seconds)
    assert body["sign"] == base64.b64encode(digest).decode()
    assert body["card"]["header"]["template"] == "red"
    assert body["card"]["elements"] == [{"tag": "markdown", "content": MESSAGE.text}]


async def test_wecom_never_gets_more_than_4096_bytes(receiver):
    receiver.script = [said(0), said(93000), said(45009)]
    channel = opened(kind="wecom", url=receiver.url, **TOKEN)
    long = Message("t", "功率过高\n" * 1000, "warning")
    results = [await channel.send("msg_1", long, NOW_US) for _ in receiver.script]
    assert [one.outcome for one in results] == [Outcome.DELIVERED, Outcome.DEAD, Outcome.RETRY]
    assert receiver.requests[0].path == "/hook?key=tok-123"
    content = json.loads(receiver.requests[0].body)["markdown"]["content"]
    assert len(content.encode()) <= 4096
    assert content.endswith("功率过高\n…")


@pytest.mark.parametrize("kind", ["dingtalk", "wecom", "feishu"])
async def test_a_robot_s_secrets_are_in_no_log(kind):
    """The address holds the token; what can't be reached is told without it."""
    channel = opened(kind=kind, url=f"http://127.0.0.1:{free_port()}/x", **TOKEN)
    result = await channel.send("msg_1", MESSAGE, NOW_US)
    assert result.outcome is Outcome.RETRY
    assert "tok-123" not in result.detail


async def test_an_answer_that_repeats_a_secret_is_logged_without_it(receiver):
    receiver.script = [answer(403, b"token tok-123 is bad")]
    channel = opened(kind="wecom", url=receiver.url, **TOKEN)
    result = await channel.send("msg_1", MESSAGE, NOW_US)
    assert result.detail == "HTTP 403: token … is bad"


def mail(port, **more):
    return opened(
        kind="email",
        host="localhost",
        port=port,
        sender="wattline@city.example",
        to=["duty@city.example", "boss@city.example"],
        **more,
    )


async def test_a_mail_carries_the_delivery_s_id_both_languages_and_both_forms():
    box = Mailbox()
    with mail_server(box) as port:
        result = await mail(port, security="none").send("msg_1", MESSAGE, NOW_US)
    assert result.outcome is Outcome.DELIVERED
    [(sender, to, content)] = box.mails
    assert (sender, to) == ("wattline@city.example", ["duty@city.example", "boss@city.example"])
    got = email.message_from_bytes(content, policy=email.policy.default)
    assert got["Message-ID"] == "<msg_1@city.example>"
    assert got["Subject"] == "告警 / Alert"
    assert got["Auto-Submitted"] == "auto-generated"
    assert got.get_body(("plain",)).get_content().strip() == MESSAGE.text
    assert got.get_body(("html",)).get_content().strip() == MESSAGE.html


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ("550 no such user", Outcome.DEAD),
        ("450 mailbox busy", Outcome.RETRY),
        ("421 going away", Outcome.RETRY),
    ],
)
async def test_a_mail_server_s_no_is_final_only_with_a_5(said, outcome):
    with mail_server(Mailbox(refuse=lambda _: said)) as port:
        result = await mail(port, security="none").send("msg_1", MESSAGE, NOW_US)
    assert result.outcome is outcome
    assert result.status == int(said[:3])
    with mail_server(Mailbox(data=said)) as port:
        assert (await mail(port, security="none").send("msg_1", MESSAGE, NOW_US)).outcome is outcome


async def test_a_mail_taken_for_some_is_delivered_and_says_for_whom_not():
    box = Mailbox(refuse=lambda address: "550 unknown" if address.startswith("boss") else None)
    with mail_server(box) as port:
        result = await mail(port, security="none").send("msg_1", MESSAGE, NOW_US)
    assert result.outcome is Outcome.DELIVERED
    assert "boss@city.example (550 unknown)" in result.detail


async def test_no_mail_server_is_tried_again():
    result = await mail(free_port(), security="none").send("msg_1", MESSAGE, NOW_US)
    assert result.outcome is Outcome.RETRY


@pytest.fixture
def certificates(tmp_path):
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(server)
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return server, path


def _login(_server, _session, _envelope, _mechanism, data):
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"wattline", b"geheim")
    return AuthResult(success=good, handled=good)


async def test_starttls_and_login(certificates):
    server, authority = certificates
    box = Mailbox()
    options = {
        "tls_context": server,
        "require_starttls": True,
        "authenticator": _login,
        "auth_required": True,
    }
    with mail_server(box, **options) as port:
        channel = mail(port, ca_file=authority, username="wattline", **LOGIN)
        assert (await channel.send("msg_1", MESSAGE, NOW_US)).outcome is Outcome.DELIVERED
        wrong = mail(port, ca_file=authority, username="other", **LOGIN)
        refused = await wrong.send("msg_2", MESSAGE, NOW_US)
        assert (refused.outcome, refused.status) == (Outcome.DEAD, 535)
        assert "geheim" not in refused.detail
        unknown = await mail(port).send("msg_3", MESSAGE, NOW_US)  # a certificate of nobody we know
        assert unknown.outcome is Outcome.RETRY
    assert len(box.mails) == 1


async def test_tls_from_the_start(certificates):
    server, authority = certificates
    box = Mailbox()
    with mail_server(box, ssl_context=server) as port:
        result = await mail(port, security="tls", ca_file=authority).send("msg_1", MESSAGE, NOW_US)
    assert result.outcome is Outcome.DELIVERED
    assert len(box.mails) == 1


async def test_mqtt_is_delivered_when_the_broker_has_it(mosquitto):
    got = []
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.on_message = lambda _client, _data, message: got.append(message)
    client.connect(mosquitto.host, mosquitto.port)
    client.subscribe("wattline/v1/alerts/#", qos=1)
    channel = opened(Broker(mosquitto.host, mosquitto.port), kind="mqtt")
    message = Message(
        "t",
        "text",
        "critical",
        "",
        {"type": "alerts.alerts", "data": {}},
        {"severity": "critical", "place": "b0/1"},
    )
    assert client.loop() == 0
    while not client.is_connected():
        client.loop()
    client.loop()
    result = await channel.send("msg_1", message, NOW_US)
    for _ in range(100):
        if got:
            break
        client.loop(0.1)
    client.disconnect()
    assert result.outcome is Outcome.DELIVERED
    assert got[0].topic == "wattline/v1/alerts/critical/b0_1"
    assert json.loads(got[0].payload) == {"type": "alerts.alerts", "data": {}, "id": "msg_1", "text": "text"}


async def test_a_broker_that_is_away_is_tried_again():
    result = await opened(Broker("127.0.0.1", free_port()), kind="mqtt").send("msg_1", MESSAGE, NOW_US)
    assert result.outcome is Outcome.RETRY


@pytest.mark.parametrize("form", list(Form))
def test_the_test_message_says_that_it_is_one(form):
    message = from_body(trial(form, "duty", "2026-11-22 12:00:00+00:00", "https://wattline.example"))
    assert "测试" in message.text
    assert "test message" in message.text
    assert "duty" in message.text
