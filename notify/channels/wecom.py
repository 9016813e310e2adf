"""A robot of a WeCom (企业微信) group.

Format as in the vendor's "group robot" (developer.work.weixin.qq.com, document/path/91770): POST
{url}?key=…, Markdown of at most 4096 bytes in UTF-8 (else errcode 40058), 20 messages a minute
(45009); 93000 is a key that is not known.
"""

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

_MOST_BYTES = 4096
_CODES = {
    45009: Said(Outcome.RETRY, None, "more than 20 messages a minute", 60.0),
    40058: Said(Outcome.DEAD, None, "not as it wants it"),
    93000: Said(Outcome.DEAD, None, "the key is not known"),
}


class WecomSettings(ChannelSettings):
    """token: key of the robot's address."""

    SECRETS = ("token",)
    kind: Literal["wecom"]
    url: HttpUrl = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send"
    rate_per_minute: int = 20
    token_file: Path | None = None
    token_env: str | None = None

    def open(self, around: Surroundings) -> "WecomChannel":
        """Read the key."""
        return WecomChannel(self.url, self.secret("token", around.environ), around.transport)

    def target(self) -> str:
        """The address without its key."""
        return self.url


@dataclass(frozen=True, slots=True)
class WecomChannel:
    """Posts Markdown."""

    form: ClassVar[Form] = Form.WECOM
    url: str
    token: str
    transport: Transport

    async def send(self, id_: str, message: Message, now_us: int) -> Said:  # noqa: ARG002 it has no place for them
        """Post."""
        content = {"content": cut(message.text, _MOST_BYTES)}
        body = json.dumps({"msgtype": "markdown", "markdown": content}, ensure_ascii=False).encode()
        url = f"{self.url}?{urlencode({'key': self.token})}"
        headers = {"Content-Type": "application/json; charset=utf-8"}
        answer = await posted(self.transport, url, body, headers, (self.token,))
        return answer if isinstance(answer, Said) else robot(answer, "errcode", "errmsg", _CODES)
