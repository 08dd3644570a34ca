"""Rules of recurrence on a wall clock, in zones whose clocks change. Spec C5."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from baton.kernel.errors import Invalid
from baton.kernel.recurrence import check, following

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("rule", "start", "after", "next"),
    [
        ("FREQ=DAILY", "2027-03-27T08:00:00Z", "2027-03-27T08:00:00Z", "2027-03-28T07:00:00Z"),  # 09:00, summer begins
        ("FREQ=DAILY", "2027-10-30T07:00:00Z", "2027-10-30T07:00:00Z", "2027-10-31T08:00:00Z"),  # 09:00, summer ends
        (
            "FREQ=DAILY",
            "2027-03-27T01:30:00Z",
            "2027-03-27T01:30:00Z",
            "2027-03-28T01:30:00Z",
        ),  # 02:30 is skipped that night
        (
            "FREQ=DAILY",
            "2027-10-30T00:30:00Z",
            "2027-10-30T00:30:00Z",
            "2027-10-31T00:30:00Z",
        ),  # 02:30 comes twice: the first
        ("FREQ=WEEKLY;BYDAY=MO,TH", "2026-11-19T08:00:00Z", "2026-11-19T08:00:00Z", "2026-11-23T08:00:00Z"),
        ("FREQ=MONTHLY;BYMONTHDAY=31", "2026-01-31T08:00:00Z", "2026-01-31T08:00:00Z", "2026-03-31T07:00:00Z"),
        ("FREQ=MONTHLY;BYDAY=-1FR", "2026-11-27T08:00:00Z", "2026-11-27T08:00:00Z", "2026-12-25T08:00:00Z"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "2028-02-29T08:00:00Z", "2028-02-29T08:00:00Z", "2032-02-29T08:00:00Z"),
        ("FREQ=DAILY;COUNT=2", "2026-11-19T08:00:00Z", "2026-11-20T08:00:00Z", None),
        ("FREQ=DAILY;UNTIL=20261120T080000Z", "2026-11-19T08:00:00Z", "2026-11-19T08:00:00Z", "2026-11-20T08:00:00Z"),
        ("FREQ=DAILY;UNTIL=20261120T080000Z", "2026-11-19T08:00:00Z", "2026-11-20T08:00:00Z", None),
        ("FREQ=WEEKLY;INTERVAL=2", "2026-11-20T08:00:00Z", "2026-11-21T08:00:00Z", "2026-12-04T08:00:00Z"),
    ],
)
def test_the_wall_clock_is_kept(rule: str, start: str, after: str, next: str | None) -> None:
    found = following(check(rule), datetime.fromisoformat(start), datetime.fromisoformat(after), BERLIN)
    assert found == (datetime.fromisoformat(next) if next else None)


@pytest.mark.parametrize(
    "rule",
    [
        "", "weekly", "FREQ=SECONDLY", "FREQ=HOURLY", "FREQ=DAILY;BYHOUR=1", "FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;INTERVAL=99999",
        "FREQ=MONTHLY;BYMONTHDAY=32", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;COUNT=5;UNTIL=20271231", "FREQ=DAILY;FREQ=WEEKLY",
        "FREQ=WEEKLY;BYDAY=XX", "FREQ=DAILY;UNTIL=tomorrow", "FREQ=DAILY\nDTSTART:20200101", "FREQ=DAILY;" + "BYDAY=MO," * 60, "FREQ=",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=200",
    ],
)  # fmt: skip
def test_what_is_no_rule_is_refused(rule: str) -> None:
    with pytest.raises(Invalid):
        check(rule)


def test_a_rule_is_kept_in_its_plain_form() -> None:
    assert check(" rrule:freq=weekly;byday=mo; ") == "FREQ=WEEKLY;BYDAY=MO"
