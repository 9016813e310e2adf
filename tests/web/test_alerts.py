"""Alerts on the page: what a person sees of them, what they can do, and what the API then says."""

from collections.abc import Iterator

import httpx
import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys

from tests.product import Product
from tests.web.alarmed import Alarmed
from tests.web.chromium import Page

DETAIL = "[data-test=alert-detail]"


@pytest.fixture(scope="module")
def alarmed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alarmed]:
    folder = tmp_path_factory.mktemp("alarmed")
    made = Alarmed(Product(folder), folder / "config")
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture
def page(browser: Chrome, alarmed: Alarmed) -> Iterator[Page]:
    """A page that nobody has said their name to; nothing that a test does may upset the console."""
    opened = Page(browser, alarmed.product.url)
    opened.open()
    opened.script("localStorage.clear()")
    opened.open()
    opened.until(lambda: opened.one("[data-test=connection]").get_attribute("data-status") == "live")
    yield opened
    assert opened.errors() == []


def item(alert):
    return f'[data-alert="{alert["id"]}"]'


def show(page, alert):
    page.one(f"{item(alert)} .open").send_keys(Keys.ENTER)
    page.one(f"{DETAIL} [data-kind]")


def kinds(alarmed, alert):
    return [event["kind"] for event in alarmed.timeline(alert)]


def say_name(page, name):
    field = page.one("#person-name")
    field.send_keys(name, Keys.ENTER)
    page.until(lambda: not page.all("#person-name"), what="the end of the question")


def submit(page):
    page.one(f"{DETAIL} form [type=submit]").click()
    page.until(lambda: not page.all(f"{DETAIL} form"), what="that it was done")


def submit_as(page, name):
    """Send what is asked, and say who, as the first act on a page asks."""
    page.one(f"{DETAIL} form [type=submit]").click()
    say_name(page, name)
    page.until(lambda: not page.all(f"{DETAIL} form"), what="that it was done")


def test_one_tap_acknowledges_and_the_timeline_says_who(page, alarmed):
    alarmed.say("hall-main", power_active=92_500)
    page.until(lambda: page.text("[aria-live=assertive]"), what="the announcement")
    alert = alarmed.alert("hall-main", "firing")
    assert "待处理" in page.text("[data-test=alerts] .panel-head")
    page.one(f"{item(alert)} .acknowledge").click()
    say_name(page, "王芳")
    page.until(lambda: "王芳 已确认" in page.text(item(alert)), what="who has acknowledged it")
    assert "均已有人处理" in page.text("[data-test=alerts] .panel-head")
    line = alarmed.timeline(alert)[-1]
    assert (line["kind"], line["by"]) == ("acknowledged", "王芳")


def test_what_another_person_does_is_seen_without_a_reload(page, alarmed):
    alarmed.say("hall-pump", voltage_l1=239.4)
    alert = alarmed.alert("hall-pump", "firing")
    page.one(f"{item(alert)} .acknowledge")
    alarmed.product.post(f"alerts/{alert['id']}/acknowledge", {"by": "李强"})
    page.until(lambda: "李强 已确认" in page.text(item(alert)), what="the other's acknowledgement")


def alerts_asked_for(page):
    script = "return performance.getEntriesByType('resource').map((one) => one.name)"
    return [name for name in page.script(script) if "/api/v1/alerts" in name]


def test_of_two_pages_one_shows_at_once_what_is_done_in_the_other(page, alarmed):
    alarmed.say("annex-main", power_active=91_000)
    alert = alarmed.alert("annex-main", "firing")
    page.one(f"{item(alert)} .acknowledge")
    first, asked = page.browser.current_window_handle, alerts_asked_for(page)
    page.browser.switch_to.new_window("window")
    try:
        page.open()
        page.one(f"{item(alert)} .acknowledge").click()
        say_name(page, "赵敏")
        page.until(lambda: "赵敏 已确认" in page.text(item(alert)), what="the acknowledgement here")
    finally:
        page.browser.close()
        page.browser.switch_to.window(first)
    page.until(lambda: "赵敏 已确认" in page.text(item(alert)), 3, "the acknowledgement there")
    page.script("document.dispatchEvent(new Event('visibilitychange'))")
    assert alerts_asked_for(page) == asked


def test_details_show_what_another_person_does_while_they_are_open(page, alarmed):
    alarmed.say("annex-pump", power_active=91_500)
    alert = alarmed.alert("annex-pump", "firing")
    show(page, alert)
    alarmed.product.post(f"alerts/{alert['id']}/comment", {"by": "李强", "text": "正在路上"})
    page.until(lambda: "正在路上" in page.text("[data-test=timeline]"), 3, "the other's comment")


def test_an_alert_of_a_dropped_rule_is_closed_for_that(page, alarmed):
    rule = {
        "id": "trial",
        "name": {"zh": "试用规则", "en": "Trial"},
        "severity": "info",
        "action": {"zh": "查看", "en": "Look"},
        "condition": {"kind": "threshold", "quantity": "frequency", "comparator": "above", "threshold": 50.5},
    }
    alarmed.product.post("rules", rule)

    def fires():
        alarmed.say("hall-main", frequency=51.0)
        return alarmed.product.get("alerts", rule="trial", state="firing")["items"]

    alarmed.product.wait_until(fires, what="an alert of the new rule")
    (alert,) = fires()
    httpx.delete(f"{alarmed.product.url}/api/v1/rules/trial", timeout=30).raise_for_status()
    page.until(lambda: "起无数据" in page.text(item(alert)), what="that nothing watches it")
    assert "规则已删除" in page.text(item(alert))
    show(page, alert)
    assert "规则已删除，不再监测此对象。" in page.text(DETAIL)  # noqa: RUF001 - Chinese punctuation
    page.one("[data-act=close]").click()
    reasons = [field.get_attribute("value") for field in page.all(f"{DETAIL} form [name=reason]")]
    assert reasons == ["rule_withdrawn", "false_alarm"]
    submit_as(page, "王芳")
    page.until(lambda: page.one(DETAIL).get_attribute("data-handled") == "closed", what="that it is closed")
    assert "规则已撤销" in page.until(lambda: page.text("[data-kind=closed]"), what="its line")
    assert alarmed.timeline(alert)[-1]["detail"]["withdrawn"] == "rule_dropped"


def test_details_say_everything_and_are_closed_with_escape(page, alarmed):
    alarmed.say("hall-main", power_active=93_100)
    alert = alarmed.alert("hall-main", "firing")
    show(page, alert)
    words = page.text(DETAIL)
    for wanted in (
        "机关事务管理局",
        "总进线电表",
        "高于 80.00 kW",
        "应在",
        "关停非必要负荷",
    ):
        assert wanted in words
    assert page.one(f"{DETAIL} a").get_attribute("href") == "https://intranet.example/overload"
    page.browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    page.until(lambda: not page.all(DETAIL), what="the page without details")
    assert page.script("return document.activeElement.className") == "open"


def test_an_alert_is_shelved_with_a_reason_and_taken_back(page, alarmed):
    alarmed.say("hall-pump", voltage_l1=239.9)
    alert = alarmed.alert("hall-pump", "firing")
    show(page, alert)
    page.one("[data-act=shelve]").click()
    page.one("#act-reason").send_keys("等待供电单位调压")
    submit_as(page, "王芳")
    page.until(lambda: page.all("[data-act=unshelve]"), what="that it is shelved")
    assert alarmed.product.get(f"alerts/{alert['id']}")["handling"]["shelved_until"] is not None
    assert "等待供电单位调压" in page.until(lambda: page.text("[data-kind=shelved]"), what="the reason")
    page.one("[data-act=unshelve]").click()
    page.until(lambda: page.all("[data-act=shelve]"), what="that it is not shelved")
    assert kinds(alarmed, alert)[-2:] == ["shelved", "unshelved"]


def test_a_firing_alert_closes_as_a_false_alarm_only_and_a_second_person_approves(page, alarmed):
    alarmed.say("hall-pump", voltage_l1=239.9)
    alert = alarmed.alert("hall-pump", "firing")
    show(page, alert)
    page.one("[data-act=close]").click()
    reasons = [field.get_attribute("value") for field in page.all(f"{DETAIL} form [name=reason]")]
    assert reasons == ["false_alarm"]
    page.one("#act-note").send_keys("互感器接线错误")
    submit_as(page, "王芳")
    page.one("[data-act=approve]").click()
    refused = page.until(lambda: page.text(f"{DETAIL} .refused"), what="that nobody approves their own")
    assert "another person" in refused
    page.errors()  # a refusal is an error to the console; here it is the claim
    page.one("[data-test=acts] .note .link").click()
    page.one("#person-name").clear()
    say_name(page, "李强")
    page.one("[data-act=approve]").click()
    page.until(lambda: page.one(DETAIL).get_attribute("data-handled") == "closed", what="that it is closed")
    assert [line["by"] for line in alarmed.timeline(alert)][-2:] == ["王芳", "李强"]


def test_what_returned_to_normal_is_shown_as_evidence_and_closed_as_fixed(page, alarmed):
    alarmed.say("hall-main", power_active=93_500)
    alert = alarmed.alert("hall-main", "firing")
    show(page, alert)
    alarmed.say("hall-main", power_active=61_000)
    page.until(lambda: page.one(DETAIL).get_attribute("data-state") == "resolved", what="its end")
    assert "61.00 kW" in page.until(lambda: page.text("[data-test=evidence]"), what="the evidence")
    page.one("[data-act=comment]").click()
    page.one("#act-text").send_keys("已关停三号冷机")
    submit_as(page, "王芳")
    page.until(lambda: "已关停三号冷机" in page.text("[data-test=timeline]"), what="the comment")
    page.one("[data-act=close]").click()
    submit(page)
    page.until(lambda: page.one(DETAIL).get_attribute("data-handled") == "closed", what="that it is closed")
    handling = alarmed.product.get(f"alerts/{alert['id']}")["handling"]
    assert (handling["close_reason"], handling["closed_by"]) == ("fixed", "王芳")


def test_a_meter_that_falls_silent_while_it_fires_is_told_as_silent_and_not_as_resolved(page, alarmed):
    alarmed.say("archive-main", voltage_l1=240.1)
    alert = alarmed.alert("archive-main")
    page.one(item(alert))
    page.until(lambda: "起无数据" in page.text(item(alert)), 120, "that it is silent")
    assert page.all(f".open-list {item(alert)}")


def test_what_comes_from_late_data_is_labelled_and_not_announced(page, alarmed):
    alarmed.say("late-main", 7200, power_active=99_000)
    alert = alarmed.alert("late-main", "firing")
    assert "追溯" in page.until(lambda: page.text(item(alert)), what="the alert in the list")
    assert page.text("[aria-live=assertive]") == ""
    assert not page.all(".toast")


def test_a_link_from_a_message_opens_the_alert(page, alarmed):
    alarmed.say("late-main", 7100, power_active=99_000)
    alert = alarmed.alert("late-main", "firing")
    page.open(f"?place=hall&alert={alert['id']}")
    page.until(lambda: "备用电表" in page.text(DETAIL), what="its details")
