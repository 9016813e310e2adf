"""A browser on the page of the whole product, with its demo, as `make run` starts it."""

from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome

from tests.product import CHECKOUT, Product
from tests.web.chromium import Page, chromium


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """A browser, where there is a page for it: `make test` builds it first."""
    if not (CHECKOUT / "web" / "dist" / "index.html").is_file():
        pytest.skip("the page is not built: cd web && npm ci && npm run build")
    with chromium(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product with its simulated estate."""
    made = Product(tmp_path_factory.mktemp("demo"), arguments=("--demo",))
    try:
        yield made.start()
    finally:
        made.kill()


@pytest.fixture(scope="module")
def opened(browser: Chrome, demo: Product) -> Page:
    """The demo's page, opened before the scripted fault that raises an alert."""
    page = Page(browser, demo.url)
    page.open()
    return page


@pytest.fixture
def page(opened: Page) -> Iterator[Page]:
    """The demo's page as the last test left it; nothing that a test does may upset the console."""
    yield opened
    assert opened.errors() == []
