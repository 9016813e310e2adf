"""The page on the running product, in a real browser: what a person sees, and that it lives."""

import os
import re
import time
from pathlib import Path

from selenium.webdriver.common.keys import Keys

from tests.web.chromium import Page

# The demo publishes yesterday first; the scripted overload comes 40 s after that, for 20 s.
HISTORY_WITHIN_S = 240
FAULT_WITHIN_S = 300


def test_the_tree_shows_every_level_with_live_power_and_what_it_rests_on(page):
    page.until(lambda: len(page.all("[role=treeitem]")) > 20, what="the places")
    levels = {row.get_attribute("aria-level") for row in page.all("[role=treeitem]")}
    assert {"1", "2", "3", "4"} <= levels
    power = re.compile(r"[1-9][\d.,]* ?(MW|kW)")
    page.until(lambda: power.search(page.text("[role=treeitem]")), HISTORY_WITHIN_S, "power")
    assert re.search(r"\d+ 块表中 \d+ 块在报数", page.text("[role=treeitem]"))
    assert page.one("[data-test=connection]").get_attribute("data-status") == "live"


def test_live_power_changes_without_a_reload(page):
    page.script("window.notReloaded = true")
    power = re.compile(r"[\d.,]+(kW|MW)")
    before = page.until(
        lambda: power.fullmatch(page.text("[data-test=power-now]")), HISTORY_WITHIN_S, "power"
    )
    page.until(lambda: page.text("[data-test=power-now]") != before.group(), what="another power")
    assert page.script("return window.notReloaded") is True


def test_an_alert_is_announced_and_resolves_by_itself(page):
    announced = page.until(
        lambda: page.text("[aria-live=assertive]") or page.text(".toasts ~ [aria-live]"),
        within_s=FAULT_WITHIN_S,
        what="an announced alert",
    )
    assert announced.startswith("新告警")
    resolved = page.until(
        lambda: page.text("[data-test=alerts] .resolved-list [data-alert]"),
        within_s=FAULT_WITHIN_S,
        what="the resolved alert",
    )
    assert "严重" in resolved
    assert "已不高于" in resolved


def test_an_alert_leads_to_its_place_and_time(page):
    page.script("document.querySelector('[data-test=alerts] [data-alert] .open').click()")
    page.until(lambda: "alert=" in page.browser.current_url, what="the alert in the address")
    page.one("[data-test=alert-detail] dd .link").click()
    page.until(lambda: "at=" in page.browser.current_url, what="the alert's time in the address")
    assert not page.all("dialog[open]")
    selected = page.one("[role=treeitem][aria-selected=true]")
    assert f"place={selected.get_attribute('data-place')}" in page.browser.current_url
    page.script("history.go(-2)")
    page.until(lambda: page.browser.current_url.endswith("/"), what="the way back")


def test_the_day_curve_is_drawn_and_told_in_words(page):
    curve = "[data-test=day-curve]"
    page.until(lambda: page.all(f"{curve} canvas"), HISTORY_WITHIN_S, "the canvas")
    page.until(lambda: drawn_pixels(page, f"{curve} canvas") > 200, HISTORY_WITHIN_S, "a drawn curve")
    told = re.compile(r"合计 [\d.,]+ (kWh|MWh).覆盖率 [\d.]+ %")
    page.until(
        lambda: told.search(page.one(f"{curve} [role=img]").get_attribute("aria-label") or ""),
        HISTORY_WITHIN_S,
        "total and coverage in words",
    )
    page.one(f"{curve} .facts button").click()
    assert len(page.all(f"{curve} tbody tr")) == 96
    page.one(f"{curve} .facts button").click()


def test_today_stands_against_yesterday_up_to_the_same_time(page):
    card = "[data-energy=electricity]"
    page.until(lambda: "昨日截至" in page.text(card), HISTORY_WITHIN_S, "the comparison")
    words = page.text(card)
    (today,), (yesterday,) = (
        re.findall(r"今日截至 (\d\d:\d\d)", words),
        re.findall(r"昨日截至 (\d\d:\d\d)", words),
    )
    assert today == yesterday
    assert re.search(r"今日 [\d.]+ %.昨日 [\d.]+ %", words)


def test_a_moving_vehicle_moves_on_the_map(page):
    page.until(lambda: page.all("[data-test=map] canvas"), what="the map")
    page.until(lambda: goes_on(page), FAULT_WITHIN_S, "a vehicle that moves, and its marker with it")
    page.one("[data-test=vehicle-popup] button").click()
    page.until(lambda: not page.all(".maplibregl-popup"), what="a closed popup")


def test_the_tree_is_walked_with_keys_and_the_address_follows(page):
    page.open()
    root = page.one("[role=treeitem][tabindex='0']")
    page.until(lambda: len(page.all("[role=treeitem]")) > 20, what="the places")
    first = root.get_attribute("data-place")
    press(page, Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ENTER)
    page.until(lambda: "place=" in page.browser.current_url, what="the place in the address")
    chosen = page.one("[role=treeitem][aria-selected=true]").get_attribute("data-place")
    assert chosen != first
    assert f"place={chosen}" in page.browser.current_url
    press(page, Keys.ARROW_LEFT)
    page.until(
        lambda: page.one(f"[data-place='{chosen}']").get_attribute("aria-expanded") == "false", what="a fold"
    )
    page.browser.back()
    page.until(
        lambda: page.one("[aria-selected=true]").get_attribute("data-place") == first, what="the way back"
    )


def test_the_language_switches_at_once_and_is_remembered(page):
    assert page.script("return document.documentElement.lang") == "zh-CN"
    page.one("[data-language=en]").click()
    page.until(lambda: page.text("#curve-title") == "Day curve", what="English")
    page.open()
    page.until(lambda: page.text("#curve-title") == "Day curve", what="English after a reload")
    page.one("[data-language=zh-CN]").click()
    page.until(lambda: page.text("#curve-title") == "日曲线", what="Chinese")


def test_the_page_does_not_look_live_when_it_is_not(browser, product):
    page = Page(browser, product.start().url)
    page.open()
    badge = "[data-test=connection]"
    page.until(lambda: page.one(badge).get_attribute("data-status") == "live", what="a live page")
    assert "还没有任何位置" in page.until(lambda: page.text("#board"), what="what to do without places")
    product.kill()
    page.until(lambda: page.one(badge).get_attribute("data-status") == "lost", what="that it is not live")
    assert "实时连接已中断" in page.text(".banner")
    product.start()
    page.until(lambda: page.one(badge).get_attribute("data-status") == "live", 60, "that it is live again")
    page.errors()  # connections that were refused are errors to the console; here they are the claim


# Not a skipped test otherwise, because where nothing may be skipped nobody wants a changed picture.
if "PAGE_PICTURE" in os.environ:

    def test_picture(opened):
        """Takes the README's picture: PAGE_PICTURE=docs/page.png pytest tests/web -k picture."""
        curve = "[data-test=day-curve] canvas"
        opened.open()
        opened.one("[data-language=en]").click()
        opened.until(lambda: opened.all(".open-list [data-alert]"), FAULT_WITHIN_S, "an open alert")
        opened.until(lambda: drawn_pixels(opened, curve) > 200, HISTORY_WITHIN_S, "the curve")
        for button in opened.all(".toast .quiet"):  # it would hide the vehicles
            button.click()
        opened.browser.save_screenshot(str(Path(os.environ["PAGE_PICTURE"])))
        opened.one("[data-language=zh-CN]").click()


def drawn_pixels(page, canvas):
    """How many pixels of a canvas have the colour of the day's curve or of the day before."""
    script = """
        const canvas = document.querySelector(arguments[0])
        const style = getComputedStyle(document.documentElement)
        const colors = ['--chart-day', '--chart-before'].map((name) => style.getPropertyValue(name).trim())
          .map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)))
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
        const near = (i) => colors.some((color) =>
          color.every((part, channel) => Math.abs(data[i + channel] - part) < 12))
        let found = 0
        for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200 && near(i)) found += 1
        return found
    """
    return page.script(script, canvas)


def popup_at(page):
    return page.script("return document.querySelector('.maplibregl-popup')?.style.transform ?? ''")


def goes_on(page):
    """Whether a moving vehicle is soon shown elsewhere; it may have arrived, and then another is next."""
    if not page.all("tr[data-status=moving]"):
        return False
    # The button of the vehicle that is already followed would let it go.
    if not page.all("tr[data-status=moving] [aria-pressed=true]"):
        page.script("document.querySelector('tr[data-status=moving] button').click()")
    where = page.until(lambda: page.text("[data-test=vehicle-position]"), what="its position")
    # The map eases to the vehicle first; then its popup moves only because the vehicle does.
    still = page.until(lambda: still_popup(page), what="a map at rest")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if page.text("[data-test=vehicle-position]") != where and popup_at(page) not in {still, ""}:
            return True
        time.sleep(0.1)
    return False


def still_popup(page):
    """Where the popup is, if it stayed there for half a second."""
    script = """
        const done = arguments[0]
        const at = () => document.querySelector('.maplibregl-popup')?.style.transform ?? ''
        const before = at()
        setTimeout(() => done(at() === before ? before : ''), 500)
    """
    return page.browser.execute_async_script(script)


def press(page, *keys):
    """Press keys on the row of the tree that is in the tab order."""
    page.script("document.querySelector(\"[role=treeitem][tabindex='0']\").focus()")
    for key in keys:
        page.browser.switch_to.active_element.send_keys(key)
        # The focus follows with the next frame.
        page.browser.execute_async_script("requestAnimationFrame(() => setTimeout(arguments[0]))")
