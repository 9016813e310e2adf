"""E-mail by SMTP (RFC 5321), with TLS from the start, by STARTTLS, or inside one's own walls without.

Message-ID is the delivery's id at the sender's domain: a message that is sent again is known by it.
"""

import asyncio
import smtplib
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from core.delivery import Outcome, Said
from notify.channels.base import ChannelSettings, Surroundings
from notify.message import Form, Message

_TIMEOUT_S = 15.0
_TOGETHER_S = 45.0  # a server that drips its answers is not waited for longer
_PERMANENT = 500


def _is_address(text: str) -> str:
    try:
        spec = Address(addr_spec=text).addr_spec
    except (ValueError, IndexError) as error:
        raise ValueError(f"write an address like name@host ({error})") from None
    if "@" not in spec:
        raise ValueError("write an address like name@host")
    return text


MailAddress = Annotated[str, AfterValidator(_is_address)]


class EmailSettings(ChannelSettings):
    """security: tls (usually port 465), starttls (587), none (25).

    ca_file: who signed the server's certificate, where the system does not know.
    """

    MAY_HAVE = ("password",)
    kind: Literal["email"]
    host: str
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    security: Literal["tls", "starttls", "none"] = "starttls"
    ca_file: Path | None = None
    username: str | None = None
    password_file: Path | None = None
    password_env: str | None = None
    sender: MailAddress
    to: Annotated[tuple[MailAddress, ...], Field(min_length=1, max_length=100)]

    def open(self, around: Surroundings) -> "EmailChannel":
        """Read password and certificate."""
        password = self.secret("password", around.environ)
        if self.username is not None and not password:
            raise ValueError("password_file: is missing: name a file with the password of username")
        tls = None
        if self.security != "none":
            try:
                tls = ssl.create_default_context(cafile=self.ca_file)
            except OSError as error:
                raise ValueError(f"ca_file = {str(self.ca_file)!r}: can't be used ({error})") from None
        return EmailChannel(self, password, tls)

    def target(self) -> str:
        """To whom."""
        return ", ".join(self.to)


@dataclass(frozen=True, slots=True)
class EmailChannel:
    """Sends text and HTML."""

    form: ClassVar[Form] = Form.MAIL
    settings: EmailSettings
    password: str
    tls: ssl.SSLContext | None

    async def send(self, id_: str, message: Message, now_us: int) -> Said:
        """Send in a thread; a server that has taken it for some has taken it."""
        try:
            async with asyncio.timeout(_TOGETHER_S):
                refused = await asyncio.to_thread(self._send, self._mail(id_, message, now_us))
        except TimeoutError:
            return Said(Outcome.RETRY, None, f"no full answer within {_TOGETHER_S:g} s")
        except smtplib.SMTPRecipientsRefused as error:
            code, _ = next(iter(error.recipients.values()))
            return _refused(code, f"all are refused: {_named(error.recipients)}")
        except smtplib.SMTPResponseException as error:
            return _refused(error.smtp_code, _text(error.smtp_error))
        except (smtplib.SMTPException, OSError) as error:
            return Said(Outcome.RETRY, None, _text(str(error) or type(error).__name__))
        detail = f"taken, but not for {_named(refused)}" if refused else "taken"
        return Said(Outcome.DELIVERED, 250, detail)

    def _mail(self, id_: str, message: Message, now_us: int) -> EmailMessage:
        mail = EmailMessage()
        mail["From"], mail["To"] = self.settings.sender, ", ".join(self.settings.to)
        mail["Subject"] = message.title
        mail["Date"] = format_datetime(datetime.fromtimestamp(now_us // 1_000_000, UTC))
        mail["Message-ID"] = f"<{id_}@{self.settings.sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
        mail.set_content(message.text)
        if message.html:
            mail.add_alternative(message.html, subtype="html")
        return mail

    def _send(self, mail: EmailMessage) -> dict[str, tuple[int, bytes]]:
        settings = self.settings
        if settings.security == "tls":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=_TIMEOUT_S, context=self.tls
            )
        else:
            connection = smtplib.SMTP(settings.host, settings.port, timeout=_TIMEOUT_S)
        with connection:
            if settings.security == "starttls":
                connection.starttls(context=self.tls)
            if settings.username is not None:
                connection.login(settings.username, self.password)
            return connection.send_message(mail)


def _refused(code: int, said: str) -> Said:
    return Said(Outcome.DEAD if code >= _PERMANENT else Outcome.RETRY, code, f"SMTP {code}: {said}")


def _named(recipients: dict[str, tuple[int, bytes]]) -> str:
    return ", ".join(f"{who} ({code} {_text(said)})" for who, (code, said) in recipients.items())[:300]


def _text(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join(text.split())[:200]
