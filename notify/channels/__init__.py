"""Ways to reach people and machines: one file each, and an entry here."""

from notify.channels.base import ChannelSettings
from notify.channels.dingtalk import DingtalkSettings
from notify.channels.email import EmailSettings
from notify.channels.feishu import FeishuSettings
from notify.channels.mqtt import MqttSettings
from notify.channels.webhook import WebhookSettings
from notify.channels.wecom import WecomSettings

CHANNELS: dict[str, type[ChannelSettings]] = {
    "webhook": WebhookSettings,
    "email": EmailSettings,
    "dingtalk": DingtalkSettings,
    "wecom": WecomSettings,
    "feishu": FeishuSettings,
    "mqtt": MqttSettings,
}
"""Every kind of channel by its name in channels.yaml."""
