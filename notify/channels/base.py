"""What every channel has: an id, limits, secrets from files or the environment, and send()."""

import ssl
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from core.delivery import Said
from notify.http import Transport
from notify.message import Form, Message

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""An id that fits into an address without escapes."""


def _is_http(url: str) -> str:
    if not url.isascii() or not url.startswith(("https://", "http://")) or len(url.split("/")) < 3:
        raise ValueError("write an address like https://host/path, in ASCII")
    if "@" in url.split("/")[2]:
        raise ValueError("leave user and password out: what is secret goes to a file or the environment")
    return url.rstrip("/")


HttpUrl = Annotated[str, AfterValidator(_is_http)]


@dataclass(frozen=True, slots=True)
class Broker:
    """Where MQTT messages go; tls: None for plain TCP."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What channels are opened with. broker: None where there is none."""

    transport: Transport
    broker: Broker | None = None
    environ: Mapping[str, str] = field(default_factory=dict)


class Channel(Protocol):
    """Sends messages; one object serves all of them, one at a time or several at once."""

    form: ClassVar[Form]

    async def send(self, id_: str, message: Message, now_us: int) -> Said:
        """Send a message; whatever happens is in what it returns. id_: the same for every try."""
        ...


class ChannelSettings(BaseModel, ABC):
    """What every channel of channels.yaml has.

    rate_per_minute: most messages; more wait. tries, span_s: how often and for how long (on
    average) a message is tried before it is given up.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    SECRETS: ClassVar[tuple[str, ...]] = ()
    """Keys of secrets that it needs; each is given as KEY_file or KEY_env."""
    MAY_HAVE: ClassVar[tuple[str, ...]] = ()
    """Keys of secrets that it may have."""

    id: Id
    kind: str
    rate_per_minute: Annotated[int, Field(ge=1, le=6000)] = 60
    tries: Annotated[int, Field(ge=1, le=30)] = 10
    span_s: Annotated[float, Field(gt=0, le=30 * 86_400)] = 86_400.0

    @abstractmethod
    def open(self, around: Surroundings) -> Channel:
        """The channel; its secrets are read now. Raises ValueError with `key = value: fix`."""

    @abstractmethod
    def target(self) -> str:
        """Where it leads, without what is secret."""

    def mistakes(self, environ: Mapping[str, str]) -> list[str]:
        """What is wrong with its secrets, each as `key = value: fix`."""
        found = []
        for key in (*self.SECRETS, *self.MAY_HAVE):
            try:
                self.secret(key, environ)
            except ValueError as error:
                found.append(str(error))
        return found

    def secret(self, key: str, environ: Mapping[str, str]) -> str:
        """A secret, "" for one that it has not; raises ValueError with `key = value: fix`."""
        file: Path | None = getattr(self, f"{key}_file")
        variable: str | None = getattr(self, f"{key}_env")
        if file is not None and variable is not None:
            raise ValueError(f"{key}_env = {variable!r}: leave it out, or leave {key}_file out")
        if file is not None:
            return _content(file, key)
        if variable is not None:
            if not environ.get(variable):
                raise ValueError(f"{key}_env = {variable!r}: is not set: set that variable")
            return environ[variable]
        if key in self.SECRETS:
            raise ValueError(
                f"{key}_file: is missing: name a file with the {key}, or a variable in {key}_env"
            )
        return ""


def _content(file: Path, key: str) -> str:
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{key}_file = {str(file)!r}: can't be read ({error}): correct it") from None
    if not text:
        raise ValueError(f"{key}_file = {str(file)!r}: is empty: write the {key} into it")
    return text
