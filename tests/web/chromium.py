"""Debian's Chromium without a screen, and what a test asks a page."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver import Chrome
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.servers import binary

_FLAGS = (
    "--headless=new",
    "--no-sandbox",  # Chromium refuses to sandbox for root, who runs tests in containers
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--hide-scrollbars",
    "--no-first-run",
    "--no-proxy-server",
    # The map draws with WebGL; without a graphics card the processor has to.
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)
DESK = (1440, 900)
T = TypeVar("T")


class Page:
    """The page of one product in one browser."""

    def __init__(self, browser: Chrome, url: str) -> None:
        self.browser = browser
        self.url = url

    def open(self, query: str = "") -> None:
        self.browser.get(f"{self.url}/{query}")

    def all(self, selector: str) -> list[WebElement]:
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        """The first element, once there is one."""
        return self.until(lambda: self.browser.find_element(By.CSS_SELECTOR, selector), what=selector)

    def text(self, selector: str) -> str:
        """Text of the first element as it is read, hidden words included; empty without one."""
        script = "return document.querySelector(arguments[0])?.textContent.trim() ?? ''"
        return str(self.script(script, selector))

    def script(self, source: str, *arguments: object) -> object:
        return self.browser.execute_script(source, *arguments)

    def until(self, wanted: Callable[[], T], within_s: float = 30.0, what: str = "what was expected") -> T:
        """The first true answer; elements that come and go meanwhile are no error."""
        deadline = time.monotonic() + within_s
        while True:
            with contextlib.suppress(NoSuchElementException, StaleElementReferenceException):
                if found := wanted():
                    return found
            if time.monotonic() > deadline:
                pytest.fail(f"the page did not show {what} within {within_s:g} s")
            time.sleep(0.1)

    def errors(self) -> list[str]:
        """Errors that the console got since the last call."""
        return [entry["message"] for entry in self.browser.get_log("browser") if entry["level"] == "SEVERE"]


@contextlib.contextmanager
def chromium(profile: Path) -> Iterator[Chrome]:
    """A browser of desk size that prefers Chinese; skips the test if there is none."""
    options = Options()
    options.binary_location = binary("chromium", "chromium")
    driver = binary("chromedriver", "chromium-driver")
    for flag in (*_FLAGS, f"--user-data-dir={profile}", f"--window-size={DESK[0]},{DESK[1]}", "--lang=zh-CN"):
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"intl.accept_languages": "zh-CN,zh"})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = Chrome(options=options, service=Service(driver))
    try:
        # The window's size includes its frame; this is the page's own.
        size = {"width": DESK[0], "height": DESK[1], "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        yield browser
    finally:
        browser.quit()
