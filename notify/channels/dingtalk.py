r"""A custom robot of a DingTalk group.

Format as in the vendor's "custom robot access" (open.dingtalk.com, document/group/custom-robot-access):
POST {url}?access_token=…&timestamp=<ms>&sign=…, where sign is the base64 of HMAC-SHA256, with the
secret as key, over "<timestamp>\n<secret>". 20 messages a minute, else nothing for ten minutes
(errcode 130101); at most 20,000 bytes (460101).
"""

import base64
import hmac
import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal
from urllib.parse import urlencode

from core.delivery import Outcome, Said
from notify.answers import posted, robot
from notify.channels.base import ChannelSettings, HttpUrl, Surroundings
from notify.http import Transport
from notify.message import Form, Message, cut

_MOST_BYTES = 16_000  # of the text: the JSON around it and its escapes come on top
_CODES = {
    130101: Said(Outcome.RETRY, None, "more than 20 messages a minute", 600.0),
    300001: Said(Outcome.DEAD, None, "the token is not known"),
    310000: Said(Outcome.DEAD, None, "signature, key word or address is not what the robot wants"),
    400013: Said(Outcome.DEAD, None, "the group is gone"),
    400101: Said(Outcome.DEAD, None, "the token is not known"),
    400102: Said(Outcome.DEAD, None, "the robot is stopped"),
    460101: Said(Outcome.DEAD, None, "too long"),
}


class DingtalkSettings(ChannelSettings):
    """token: access_token of the robot's address. secret: "SEC…", of a robot that checks signatures."""

    SECRETS = ("token",)
    MAY_HAVE = ("secret",)
    kind: Literal["dingtalk"]
    url: HttpUrl = "https://oapi.dingtalk.com/robot/send"
    rate_per_minute: int = 20
    token_file: Path | None = None
    token_env: str | None = None
    secret_file: Path | None = None
    secret_env: str | None = None

    def open(self, around: Surroundings) -> "DingtalkChannel":
        """Read token and secret."""
        token, secret = self.secret("token", around.environ), self.secret("secret", around.environ)
        return DingtalkChannel(self.url, token, secret, around.transport)

    def target(self) -> str:
        """The address without its token."""
        return self.url


@dataclass(frozen=True, slots=True)
class DingtalkChannel:
    """Posts Markdown."""

    form: ClassVar[Form] = Form.DINGTALK
    url: str
    token: str
    secret: str
    transport: Transport

    async def send(self, id_: str, message: Message, now_us: int) -> Said:  # noqa: ARG002 it has no place for it
        """Sign anew at each try: a signature holds for an hour."""
        query = {"access_token": self.token}
        if self.secret:
            milliseconds = str(now_us // 1000)
            query |= {"timestamp": milliseconds, "sign": signature(self.secret, milliseconds)}
        content = {"title": message.title, "text": cut(message.text, _MOST_BYTES)}
        body = json.dumps({"msgtype": "markdown", "markdown": content}, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json; charset=utf-8"}
        secrets = (self.token, self.secret)
        answer = await posted(self.transport, f"{self.url}?{urlencode(query)}", body, headers, secrets)
        return answer if isinstance(answer, Said) else robot(answer, "errcode", "errmsg", _CODES)


def signature(secret: str, milliseconds: str) -> str:
    """Base64 of what the robot compares with."""
    digest = hmac.digest(secret.encode(), f"{milliseconds}\n{secret}".encode(), "sha256")
    return base64.b64encode(digest).decode()
