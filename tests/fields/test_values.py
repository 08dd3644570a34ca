"""What a custom field may hold: one kept form a type, clear errors that name the field. Spec A5."""

from typing import Any

import pytest

from baton.fields import values
from baton.fields.definition import Definition
from baton.kernel.errors import Invalid
from baton.kernel.values import new_id, utc_now


def field(type: str, *options: str, required: bool = False) -> Definition:
    return Definition(
        id=new_id(), key="it", label="It", type=type, options=list(options), required=required,  # type: ignore[arg-type]
        position=1, archived_at=None, version=1, created_at=utc_now(),
    )  # fmt: skip


CHOICES = ("Red", "Green", "Blue")


@pytest.mark.parametrize(
    ("type", "given", "kept"),
    [
        ("shortText", "  Fleet  ", "Fleet"), ("longText", "a\nb", "a\nb"), ("integer", 7, 7), ("integer", "-12", -12), ("integer", 3.0, 3),
        ("integer", 10**17, 10**17), ("decimal", 0.1, 0.1), ("decimal", "12.50", 12.5), ("decimal", 4, 4), ("decimal", "-0.001", -0.001),
        ("decimal", 123456789.012345, 123456789.012345), ("date", "2026-02-28", "2026-02-28"), ("yesNo", True, True),
        ("yesNo", "no", False),
        ("yesNo", "YES", True), ("select", "green", "Green"), ("multiSelect", ["blue", "Red", "red"], ["Red", "Blue"]),
        ("multiSelect", "blue; red", ["Red", "Blue"]), ("multiSelect", "Green", ["Green"]),
        ("url", "https://acme.example/a?b=c", "https://acme.example/a?b=c"), ("integer", "", None), ("url", None, None),
        ("multiSelect", [], None),
    ],
)  # fmt: skip
def test_a_value_is_kept_in_one_form(type: str, given: Any, kept: Any) -> None:
    assert values.one(field(type, *CHOICES), given) == kept


@pytest.mark.parametrize(
    ("type", "given"),
    [
        ("shortText", "x" * 501), ("shortText", 3), ("shortText", ["a"]), ("longText", "x" * 20_001), ("integer", "1,000"),
        ("integer", "1e3"),
        ("integer", 1.5), ("integer", True), ("integer", 10**18), ("integer", "٣"), ("decimal", "NaN"), ("decimal", float("inf")),
        ("decimal", "1,5"), ("decimal", "1234567890.1234567"), ("decimal", False), ("date", "28.02.2026"), ("date", "2026-02-30"),
        ("date", "2026-02-28T10:00:00Z"), ("date", 20260228), ("yesNo", "perhaps"), ("yesNo", 2), ("select", "Pink"), ("select", ["Red"]),
        ("multiSelect", ["Red", "Pink"]), ("multiSelect", [["Red"]]), ("multiSelect", 3), ("url", "javascript:alert(1)"),
        ("url", "JavaScript://x.example/%0aalert(1)"), ("url", "java\tscript:alert(1)"), ("url", "data:text/html,x"),
        ("url", "//x.example"),
        ("url", "https://"), ("url", "http:\\\\x"), ("url", "acme.example"), ("url", "vbscript:x"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_name(type: str, given: Any) -> None:
    with pytest.raises(Invalid, match="“It” is") as refused:
        values.one(field(type, *CHOICES), given)
    assert refused.value.field == "fields.it"


def test_what_was_held_before_and_what_nobody_defined_stays() -> None:
    """An option that was taken away stays where it is held; an imported column is kept as it stood."""
    defined = [field("select", "Red")]
    assert values.checked(defined, {"it": "Pink", "Other": ["x", 1]}, {"it": "Pink"}) == {
        "it": "Pink",
        "Other": ["x", 1],
    }
    with pytest.raises(Invalid):
        values.checked(defined, {"it": "Pink"}, {"it": "Red"})


def test_required() -> None:
    defined = [field("shortText", required=True)]
    values.require(defined, {"it": "x"})
    values.require(defined, {}, keys=["other"])
    for held in ({}, {"it": ""}, {"it": None}):
        with pytest.raises(Invalid, match="required"):
            values.require(defined, held)
