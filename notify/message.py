"""A rendered message, as it is kept and sent again: the same bytes every time."""

from dataclasses import dataclass, field
from enum import StrEnum

import msgspec


class Form(StrEnum):
    """How a channel wants a message."""

    MAIL = "mail"  # text and HTML
    DINGTALK = "dingtalk"
    WECOM = "wecom"
    FEISHU = "feishu"
    DATA = "data"  # for a machine: text and the facts as JSON


@dataclass(frozen=True, slots=True)
class Message:
    """title: one line. text: plain, or in a robot's flavour of Markdown. data: facts for machines.

    severity: highest of what is told, for colours. topic: what an MQTT topic may name.
    """

    title: str
    text: str
    severity: str
    html: str = ""
    data: dict[str, object] = field(default_factory=dict)
    topic: dict[str, str] = field(default_factory=dict)


def to_body(message: Message) -> bytes:
    """The message as it is kept."""
    return msgspec.json.encode(message)


def from_body(body: bytes) -> Message:
    """A message that was kept."""
    return msgspec.json.decode(body, type=Message)


def cut(text: str, most_bytes: int, more: str = "\n…") -> str:
    """The text if it has at most so many bytes in UTF-8, else its start, at a line's end if there is one."""
    if len(text.encode()) <= most_bytes:
        return text
    start = text.encode()[: most_bytes - len(more.encode())].decode(errors="ignore")
    line_end = start.rfind("\n")
    return (start[:line_end] if line_end > len(start) // 2 else start) + more
