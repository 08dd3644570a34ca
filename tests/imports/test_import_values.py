"""Dates, money, sizes, phones, addresses and names in the forms people use; what has two readings says so."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baton.imports import values
from baton.imports.dates import ORDERS, readings
from baton.imports.numbers import Money, amount, headcount, marks, money, written
from baton.kernel.money import minor_digits

DAYS = st.dates(date(1971, 1, 1), date(2068, 12, 31))


@given(
    day=DAYS,
    form=st.sampled_from(["%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d %B %Y", "%b %d, %Y", "%d-%b-%y", "%A, %B %d, %Y"]),
)
def test_a_date_that_names_its_parts_has_one_reading(day: date, form: str) -> None:
    found = readings(day.strftime(form))
    assert {moment.date() for moment in found.values()} == {day}
    assert set(found) == set(ORDERS)


@given(day=DAYS, mark=st.sampled_from("/- "), long=st.booleans())
def test_three_numbers_are_read_in_every_order_that_the_calendar_allows(day: date, mark: str, long: bool) -> None:
    year = "%Y" if long else "%y"
    european = readings(day.strftime(f"%d{mark}%m{mark}{year}"))
    american = readings(day.strftime(f"%m{mark}%d{mark}{year}"))
    assert european["dmy"].date() == american["mdy"].date() == day
    assert ("mdy" in european) == (day.day <= 12)
    assert ("dmy" in american) == (day.day <= 12)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-05-03T10:20:30Z", datetime(2024, 5, 3, 10, 20, 30, tzinfo=UTC)),
        ("2024-05-03T10:20:30.123+02:00", datetime(2024, 5, 3, 8, 20, 30, tzinfo=UTC)),
        ("2024-05-03 10:20", datetime(2024, 5, 3, 10, 20, tzinfo=UTC)),
        ("2/26/2018 19:58", datetime(2018, 2, 26, 19, 58, tzinfo=UTC)),
        ("5/13/2024 12:05 AM", datetime(2024, 5, 13, 0, 5, tzinfo=UTC)),
        ("May 3, 2024 4:05 pm", datetime(2024, 5, 3, 16, 5, tzinfo=UTC)),
        ("3. März 2024", datetime(2024, 3, 3, tzinfo=UTC)),
        ("3 de mayo de 2024", datetime(2024, 5, 3, tzinfo=UTC)),
        ("1er", None),
        ("45123", datetime(2023, 7, 16, tzinfo=UTC)),
        ("1714730400", datetime(2024, 5, 3, 10, tzinfo=UTC)),
        ("1714730400000", datetime(2024, 5, 3, 10, tzinfo=UTC)),
        ("3.5.2024", datetime(2024, 5, 3, tzinfo=UTC)),
        ("31/02/2024", None),
        ("2024-13-01", None),
        ("25:00", None),
        ("Email Opened", None),
        ("13/13/2024", None),
        ("0001-01-01", None),
    ],
)
def test_moments(text: str, moment: datetime | None) -> None:
    assert set(readings(text).values()) == ({moment} if moment else set())


def test_what_the_file_itself_calls_a_date_is_one() -> None:
    assert set(readings(date(2024, 5, 3)).values()) == {datetime(2024, 5, 3, tzinfo=UTC)}
    assert readings(datetime(2024, 5, 3, 4, 5))["mdy"] == datetime(2024, 5, 3, 4, 5, tzinfo=UTC)  # noqa: DTZ001
    assert readings(None) == readings(True) == readings(["x"]) == {}


@given(text=st.text(max_size=40))
def test_any_text_is_a_date_an_amount_a_size_or_nothing(text: str) -> None:
    assert all(1900 <= moment.year < 2200 for moment in readings(text).values())
    for mark in ("point", "comma"):
        found = money(text, mark, "USD")
        assert found is None or found.minor >= 0
    assert (headcount(text) or 0) >= 0
    assert values.phone(text, "US") is None or values.phone(text, "US")
    assert values.tag_list(text) is None or all(values.tag_list(text) or [])


@given(
    cents=st.integers(0, 10**13),
    form=st.sampled_from(["{:,.2f}", "${:,.2f}", "{:.2f} USD", "US$ {:,.2f}", "USD {:.2f}"]),
)
def test_american_money_reads_back(cents: int, form: str) -> None:
    assert money(form.format(Decimal(cents) / 100), "point", "USD") == Money(cents, "USD", rounded=False)


@given(
    cents=st.integers(0, 10**13),
    group=st.sampled_from([".", " ", "\u00a0", "'", ""]),
    form=st.sampled_from(["{} €", "EUR {}", "{}"]),
)
def test_european_money_reads_back(cents: int, group: str, form: str) -> None:
    whole, decimals = f"{Decimal(cents) / 100:,.2f}".split(".")
    text = form.format(f"{whole.replace(',', group)},{decimals}")
    assert money(text, "comma", "EUR") == Money(cents, "EUR", rounded=False)


@pytest.mark.parametrize(
    ("text", "ways"),
    [
        ("1,234.50", {"point"}), ("1.234,50", {"comma"}), ("12,5", {"comma"}), ("0.125", {"point"}), ("1234.5678", {"point"}),
        ("1,234", {"point"}), ("1.234", {"comma"}), ("1,234,567", {"point"}), ("500", {"point", "comma"}), ("1,23,456", set()),
        ("12.50.60", set()), ("1,", set()),
    ],
)  # fmt: skip
def test_which_way_an_amount_in_dollars_can_be_meant(text: str, ways: set[str]) -> None:
    number = written(text, "USD")
    assert number
    assert marks(number, "USD") == ways


def test_an_amount_in_dinars_can_be_meant_in_two_ways() -> None:
    number = written("1,234", "KWD")
    assert number
    assert marks(number, "KWD") == {"point", "comma"}
    assert (amount(number, "point"), amount(number, "comma")) == (Decimal(1234), Decimal("1.234"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CHF 1'200", Money(120_000, "CHF", False)),
        ("1.2M", Money(120_000_000, "USD", False)),
        ("5k", Money(500_000, "USD", False)),
        ("¥1,234", Money(1234, "JPY", False)),
        ("R$ 10", Money(1000, "BRL", False)),
        ("19.999", Money(2000, "USD", True)),
        (19.99, Money(1999, "USD", False)),
        (1054, Money(105_400, "USD", False)),
        ("(300)", None),
        ("-5", None),
        (-5, None),
        ("abc", None),
        ("$", None),
        ("1e5", None),
        (True, None),
        (float("nan"), None),
        ("9" * 30, None),
    ],
)
def test_money(text: str | float, expected: Money | None) -> None:
    assert money(text, "point", "USD") == expected


def test_the_dollar_sign_means_the_organizations_own_dollar() -> None:
    assert money("$5", "point", "CAD") == Money(500, "CAD", False)
    assert money("$5", "point", "EUR") == Money(500, "USD", False)
    assert (minor_digits("JPY"), minor_digits("KWD"), minor_digits("EUR")) == (0, 3, 2)


@pytest.mark.parametrize(
    ("text", "size"),
    [("250", 250), ("1,200", 1200), ("51-200", 51), ("1000+", 1000), ("11 to 50 employees", 11), ("10 001+", 10_001), ("5k", 5000),
     ("2.5", None), ("many", None), (3.0, 3), (None, None), ("99999999999", None)],
)  # fmt: skip
def test_company_sizes(text: str | float | None, size: int | None) -> None:
    assert headcount(text) == size


@pytest.mark.parametrize(
    ("text", "region", "phone"),
    [
        ("+44 20 7946 1001", None, "+442079461001"),
        ("(714) 430-8006", None, "(714) 430-8006"),
        ("(714) 430-8006", "US", "+17144308006"),
        ("020 7946 1001", "GB", "+442079461001"),
        ("p:+4930123456", None, "+4930123456"),
        ("+1 714 430 8006 ext 12", None, "+1 714 430 8006 ext 12"),
        ("4.42E+11", None, None),
        ("=cmd|' /C calc'!A0", None, None),
        ("n. a.", "US", None),
    ],
)
def test_phones(text: str, region: str | None, phone: str | None) -> None:
    assert values.phone(text, region) == phone


def test_countries_by_name_and_code() -> None:
    assert (
        values.region_of("United Kingdom", None) == values.region_of("UK", None) == values.region_of("gb", None) == "GB"
    )
    assert values.region_of("Atlantis", "PT") == "PT"


@pytest.mark.parametrize(
    ("text", "email"),
    [
        ("Ana@Acme.COM", "Ana@acme.com"),
        ("Ana Rey <ana@acme.com>", "ana@acme.com"),
        ("mailto:ana@acme.com", "ana@acme.com"),
        ("bad@, ana@acme.com; ben@acme.com", "ana@acme.com"),
        ("ana(at)acme.com", None),
        ("@", None),
        ("ana@acme", None),
    ],
)
def test_emails(text: str, email: str | None) -> None:
    assert values.email(text) == email


@pytest.mark.parametrize(
    ("text", "website"),
    [
        ("https://acme.com/a?b=c", "https://acme.com/a?b=c"),
        ("acme.com", "https://acme.com"),
        ("www.acme.co.uk/path", "https://www.acme.co.uk/path"),
        ("javascript:alert(1)", None),
        ("javascript://acme.com/%0aalert(1)", None),
        ("data:text/html,x", None),
        ("no site", None),
    ],
)
def test_websites(text: str, website: str | None) -> None:
    assert values.website(text) == website


def test_names_and_tags() -> None:
    assert values.person("Jane Ann Doe") == ("Jane", "Ann Doe")
    assert values.person("Doe, Jane") == ("Jane", "Doe")
    assert values.person("Madonna") == (None, None)
    assert values.tag_list("hot; vip,hot | EU") == ["hot", "vip", "EU"]
    assert values.tag_list(["a", "b", "a"]) == ["a", "b"]
    assert values.tag_list("x" * 61) is None
    assert values.tag_list(";".join(map(str, range(51)))) is None
