"""What of a message stands open in a timeline, and what is folded away."""

import pytest

from baton.doors.web.told.fold import LETTERS, LINES, folded


def test_a_short_message_stands_whole() -> None:
    for text in ("Yes.", "Dear Ana,\n\nthank you.\n\nHannah", "x" * LETTERS):
        assert folded(text) == (text, "")


@pytest.mark.parametrize(
    "quoted",
    [
        "On Tue, 3 Nov 2026 at 10:02, Ana Duarte <ana@northwind.example> wrote:\n> Hello Hannah",
        "Am 03.11.2026 um 10:02 schrieb Ana Duarte:\n> Hallo",
        "Em ter., 3 de nov. de 2026 às 10:02, Ana Duarte escreveu:\n> Olá",
        "-- \nHannah Weiss\nKestrel Health",
        "> Hello Hannah,\n> shall we talk?",
        "-----Original Message-----\nFrom: Ana",
        "________________________________\nFrom: Ana",
        "If you would rather not hear from us: https://crm.example/mail/out/abc",
    ],
)
def test_what_is_quoted_and_the_way_out_are_folded(quoted: str) -> None:
    assert folded(f"Yes, gladly.\n\n{quoted}") == ("Yes, gladly.", quoted)


def test_a_long_message_is_folded_after_its_first_lines() -> None:
    lines = [f"line {n}" for n in range(LINES + 20)]
    head, rest = folded("\n".join(lines))
    assert head.split("\n") + rest.split("\n") == lines
    assert len(head.split("\n")) == LINES
    words = "word " * 1_000
    head, rest = folded(words)
    assert 0 < len(head) <= LETTERS
    assert f"{head} {rest}".split() == words.split()


def test_little_is_not_folded_away() -> None:
    """A fold that would hide two lines is none; a message that is all quotation shows its first line."""
    text = "\n".join(f"line {n}" for n in range(LINES + 2))
    assert folded(text) == (text, "")
    head, rest = folded("> a\n> b\n> c\n> d")
    assert (head, rest) == ("> a", "> b\n> c\n> d")


def test_nothing_is_lost() -> None:
    for text in ("\n\n", "a\n\n\n> b\n\nc", "On a day: I wrote this\nmore", "x\n" * 40):
        head, rest = folded(text)
        assert f"{head}\n{rest}".split() == text.split()
