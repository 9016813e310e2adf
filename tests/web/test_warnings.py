"""What works and needs somebody is one line of the page, with what to do next."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
from selenium.webdriver import Chrome

from tests.product import Product
from tests.web.alarmed import Alarmed
from tests.web.chromium import Page

CHANNELS = """
channels:
  - {{id: ticket-system, kind: webhook, url: "http://127.0.0.1:{port}/hook", secret_env: HOOK_SECRET}}
routes:
  - {{id: all, channels: [ticket-system], group_wait_s: 0}}
"""


class Gone(BaseHTTPRequestHandler):
    """A receiver that wants nothing any more."""

    def do_POST(self) -> None:
        self.send_response(410)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def alarmed(tmp_path) -> Iterator[Alarmed]:
    receiver = HTTPServer(("127.0.0.1", 0), Gone)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    made = Alarmed(Product(tmp_path), tmp_path / "config")
    made.product.variables |= {
        "HOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "WATTLINE_ALERTS__ALLOW_NETWORKS": "127.0.0.1/32, ::1/128",
    }
    channels = CHANNELS.format(port=receiver.server_port)
    (tmp_path / "config" / "channels.yaml").write_text(channels, encoding="utf-8")
    try:
        yield made.start()
    finally:
        made.stop()
        receiver.shutdown()
        receiver.server_close()


def test_a_disabled_channel_is_shown_with_what_to_do_next(browser: Chrome, alarmed: Alarmed) -> None:
    page = Page(browser, alarmed.product.url)
    page.open()
    page.until(lambda: page.one("[data-test=connection]").get_attribute("data-status") == "live")
    assert not page.all("[data-test=warnings]")
    alarmed.say("hall-main", power_active=92_500)
    readyz = f"{alarmed.product.url}/readyz"
    alarmed.product.wait_until(lambda: httpx.get(readyz, timeout=30).json()["warnings"], what="the warning")
    assert httpx.get(readyz, timeout=30).status_code == 200
    page.script("document.dispatchEvent(new Event('visibilitychange'))")
    line = page.until(lambda: page.text("[data-test=warnings]"), what="the line")
    assert line.startswith("需要处理")
    assert "POST /api/v1/channels/ticket-system/enable" in line
    page.one("[data-language=en]").click()
    assert "channel ticket-system is disabled" in page.text("[data-test=warnings]")
    page.script("localStorage.clear()")
    assert page.errors() == []
