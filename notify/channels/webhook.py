"""A webhook in the way of Standard Webhooks 1.0.0 (standard-webhooks: spec/standard-webhooks.md).

The receiver verifies webhook-signature with any library of that name, and knows by webhook-id
that it has a message already.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Literal

from standardwebhooks.webhooks import Webhook

from core.delivery import Outcome, Said
from notify.answers import posted
from notify.channels.base import ChannelSettings, HttpUrl, Surroundings
from notify.http import Transport
from notify.message import Form, Message


class WebhookSettings(ChannelSettings):
    """secret: "whsec_" and at least 24 bytes in base64, as the receiver has it."""

    SECRETS = ("secret",)
    kind: Literal["webhook"]
    url: HttpUrl
    secret_file: Path | None = None
    secret_env: str | None = None

    def open(self, around: Surroundings) -> "WebhookChannel":
        """Read the secret."""
        secret = self.secret("secret", around.environ)
        return WebhookChannel(self.url, _signer(secret), secret, around.transport)

    def target(self) -> str:
        """Scheme, host and path: a query may hold a token."""
        return self.url.partition("?")[0]


def _signer(secret: str) -> Webhook:
    try:
        return Webhook(secret)
    except (ValueError, RuntimeError) as error:  # binascii.Error is a ValueError
        raise ValueError(
            f"secret: is no whsec_ and base64 ({error}): make one, see docs/operations.md"
        ) from None


@dataclass(frozen=True, slots=True)
class WebhookChannel:
    """Posts JSON: {"type": "alerts.told", "timestamp", "data"}."""

    form: ClassVar[Form] = Form.DATA
    url: str
    signer: Webhook
    secret: str
    transport: Transport

    async def send(self, id_: str, message: Message, now_us: int) -> Said:
        """Sign and post; the body is the same at each try, the timestamp that of the try."""
        body = json.dumps(message.data | {"text": message.text}, ensure_ascii=False, separators=(",", ":"))
        at = datetime.fromtimestamp(now_us // 1_000_000, UTC)
        headers = {
            "Content-Type": "application/json",
            "webhook-id": id_,
            "webhook-timestamp": str(now_us // 1_000_000),
            "webhook-signature": self.signer.sign(id_, at, body),
        }
        answer = await posted(self.transport, self.url, body.encode(), headers, (self.secret,))
        if isinstance(answer, Said):
            return answer
        return Said(Outcome.DELIVERED, answer.status, f"HTTP {answer.status}")
