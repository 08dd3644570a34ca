"""How values read."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from baton.doors.web.leads.facts import cents
from baton.doors.web.shell import amounts, show, times
from baton.kernel.errors import Invalid

NOW = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
UTC_ZONE, TOKYO = ZoneInfo("UTC"), ZoneInfo("Asia/Tokyo")


@pytest.mark.parametrize(
    ("minor", "currency", "full", "short"),
    [
        (4_200_000, "USD", "$42,000", "$42k"),
        (650_000, "USD", "$6,500", "$6.5k"),
        (21_400_000, "USD", "$214,000", "$214k"),
        (131_000_000, "USD", "$1,310,000", "$1.31M"),
        (1_250, "EUR", "€12.50", "€12.50"),
        (0, "USD", "$0", "$0"),
        (5_000, "JPY", "¥5,000", "¥5k"),
        (1_500, "KWD", "KWD 1.500", "KWD 1.500"),
        (99_996_000, "USD", "$999,960", "$1M"),
        (None, "USD", "—", "—"),
    ],
)
def test_money(minor: int | None, currency: str, full: str, short: str) -> None:
    assert amounts.money(minor, currency) == full
    assert amounts.money(minor, currency, short=True) == short


def test_currencies_are_never_added() -> None:
    assert amounts.sums({"EUR": 100_000, "USD": 5_000_000, "GBP": 0}) == "$50k + €1k"


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("42,000", "USD", 4_200_000), ("1.234,50 €", "EUR", 123_450), ("50k", "USD", 5_000_000), ("", "USD", None), ("12", "JPY", 12)],
)  # fmt: skip
def test_amounts_as_people_type_them(text: str, currency: str, minor: int | None) -> None:
    assert cents(text, currency) == minor


def test_what_is_no_amount_is_refused() -> None:
    for text in ("fifty", "-3", "€5", "1,2,3"):
        with pytest.raises(Invalid):
            cents(text, "USD")


@pytest.mark.parametrize(
    ("delta", "label", "late"),
    [
        (timedelta(minutes=10), "Today", False),
        (timedelta(hours=2), "Tomorrow", False),
        (timedelta(days=3), "Mon", False),
        (timedelta(days=30), "20 Dec", False),
        (timedelta(days=60), "19 Jan 2027", False),
        (timedelta(hours=-3), "3 h late", True),
        (timedelta(minutes=-5), "5 min late", True),
        (timedelta(days=-1), "1 day late", True),
        (timedelta(days=-5), "5 days late", True),
    ],
)
def test_due(delta: timedelta, label: str, late: bool) -> None:
    assert times.due(NOW + delta, NOW, UTC_ZONE) == times.Due(label, late)


def test_today_is_the_readers_today() -> None:
    assert times.due(NOW + timedelta(hours=2), NOW, TOKYO).label == "Today"
    assert times.moment(NOW, NOW, TOKYO).label == "08:30"


def test_a_day_is_named_once_in_a_list() -> None:
    yesterday = NOW - timedelta(days=1)
    assert times.moment(yesterday, NOW, UTC_ZONE).label == "Yesterday 23:30"
    assert times.moment(yesterday, NOW, UTC_ZONE, within=date(2026, 11, 19)).label == "23:30"


def test_initials() -> None:
    assert show.initials("João Silva", "person") == "JS"
    assert show.initials("Marcus", "agent") == "Ma"
    assert show.initials("Cher", "person") == "Ch"
    assert show.initials("…", "person") == "?"


def test_a_colour_can_be_nothing_but_a_colour() -> None:
    assert show.colour("#5b8fd6") == "#5b8fd6"
    assert show.colour('red"/><script>') == "#9a9a9a"
