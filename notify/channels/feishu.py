r"""A custom bot of a Feishu (Lark) group.

Format as in the vendor's "custom bot usage guide" (open.feishu.cn, client-docs/bot-v3/add-custom-bot):
POST {url}/<token>, "timestamp" in seconds and "sign" in the body. The sign is the base64 of
HMAC-SHA256 over nothing, with "<timestamp>\n<secret>" as the key: not as DingTalk does it. At most
20 KB; 100 messages a minute and 5 a second, and fewer on the full hour (11232).
"""

import base64
import hmac
import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from core.delivery import Outcome, Said
from notify.answers import posted, robot
from notify.channels.base import ChannelSettings, HttpUrl, Surroundings
from notify.http import Transport
from notify.message import Form, Message, cut

_MOST_BYTES = 16_000
_COLOURS = {"critical": "red", "warning": "orange", "info": "blue", "resolved": "green"}
_CODES = {
    9499: Said(Outcome.DEAD, None, "not as it wants it"),
    11232: Said(Outcome.RETRY, None, "too many messages", 60.0),
    19001: Said(Outcome.DEAD, None, "the token is not known"),
    19021: Said(Outcome.DEAD, None, "the signature is wrong, or a clock is an hour off"),
    19022: Said(Outcome.DEAD, None, "our address is not on the bot's list"),
    19024: Said(Outcome.DEAD, None, "the bot wants a key word that is not in the message"),
}


class FeishuSettings(ChannelSettings):
    """token: last part of the bot's address. secret: of a bot that checks signatures."""

    SECRETS = ("token",)
    MAY_HAVE = ("secret",)
    kind: Literal["feishu"]
    url: HttpUrl = "https://open.feishu.cn/open-apis/bot/v2/hook"
    rate_per_minute: int = 20
    token_file: Path | None = None
    token_env: str | None = None
    secret_file: Path | None = None
    secret_env: str | None = None

    def open(self, around: Surroundings) -> "FeishuChannel":
        """Read token and secret."""
        token, secret = self.secret("token", around.environ), self.secret("secret", around.environ)
        return FeishuChannel(self.url, token, secret, around.transport)

    def target(self) -> str:
        """The address without its token."""
        return self.url


@dataclass(frozen=True, slots=True)
class FeishuChannel:
    """Posts a card of Markdown."""

    form: ClassVar[Form] = Form.FEISHU
    url: str
    token: str
    secret: str
    transport: Transport

    async def send(self, id_: str, message: Message, now_us: int) -> Said:  # noqa: ARG002 it has no place for it
        """Sign anew at each try: a signature holds for an hour."""
        title = {"tag": "plain_text", "content": message.title}
        text = {"tag": "markdown", "content": cut(message.text, _MOST_BYTES)}
        card = {"header": {"title": title, "template": _COLOURS[message.severity]}, "elements": [text]}
        content: dict[str, object] = {"msg_type": "interactive", "card": card}
        if self.secret:
            seconds = str(now_us // 1_000_000)
            content |= {"timestamp": seconds, "sign": signature(self.secret, seconds)}
        body = json.dumps(content, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json; charset=utf-8"}
        secrets = (self.token, self.secret)
        answer = await posted(self.transport, f"{self.url}/{self.token}", body, headers, secrets)
        return answer if isinstance(answer, Said) else robot(answer, "code", "msg", _CODES)


def signature(secret: str, seconds: str) -> str:
    """Base64 of what the bot compares with."""
    return base64.b64encode(hmac.digest(f"{seconds}\n{secret}".encode(), b"", "sha256")).decode()
