"""What is made of mosquitto's figures, as they come."""

from wattline.broker.figures import Figures

DROPPED = "$SYS/broker/publish/messages/dropped"
HOUR_US = 3_600_000_000


def test_only_what_is_dropped_anew_is_news():
    figures = Figures()
    assert [figures.take(DROPPED, count, 1) for count in (b"0", b"5", b"5", b"12")] == [0, 5, 0, 7]


def test_a_broker_that_has_restarted_counts_from_nothing():
    figures = Figures()
    assert [figures.take(DROPPED, count, 1) for count in (b"5", b"0", b"3")] == [5, 0, 3]


def test_a_reconnect_does_not_make_old_losses_new():
    figures = Figures()
    figures.take(DROPPED, b"5", 1)
    figures.forget()
    assert figures.metrics() == {"wattline_broker_watched": 0}
    assert figures.take(DROPPED, b"5", 2) == 0


def test_a_loss_is_a_warning_for_a_day():
    figures = Figures()
    figures.take(DROPPED, b"1500", 1_795_161_600_000_000)
    assert "1500 messages" in figures.warnings(1_795_161_600_000_000 + 23 * HOUR_US)[0].en
    assert "2026-11-20T08:00:00Z" in figures.warnings(1_795_161_600_000_000)[0].en
    assert figures.warnings(1_795_161_600_000_000 + 25 * HOUR_US) == []


def test_the_backlog_is_what_is_stored_and_not_retained():
    figures = Figures()
    figures.take("$SYS/broker/store/messages/count", b"152", 1)
    assert "wattline_broker_backlog_messages" not in figures.metrics()
    figures.take("$SYS/broker/retained messages/count", b"52", 1)
    assert figures.metrics() == {"wattline_broker_watched": 1, "wattline_broker_backlog_messages": 100}


def test_what_is_no_figure_is_left():
    figures = Figures()
    assert figures.take(DROPPED, b"many", 1) == 0
    assert figures.take("$SYS/broker/version", b"20", 1) == 0
    assert figures.values == {}
