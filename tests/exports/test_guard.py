"""The guard against formulas, in Python and in SQL: one to one, and the same. ATTACKS: CSV formula."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baton.imports.guard import harmless, harmless_sql, suspect_sql, unguarded
from baton.kernel.db import Database
from tests.team import Team

TEXTS = st.text(st.sampled_from(list("=+-@'\" ;\t\r\n|a1(,.\x01\x1e\x7f\xa0\u2003\u3000＝＠－é")), max_size=12)


@settings(max_examples=2_000, deadline=None)
@given(TEXTS)
def test_a_guard_comes_off_as_it_was_put_on(text: str) -> None:
    """No text is lost, and none is left that begins a cell as a formula, whatever the separator."""
    guarded = harmless(text)
    assert unguarded(guarded) == text
    if guarded != text or not any(c.isdigit() for c in text):
        for mark in "\r\n\t|":
            guarded = guarded.replace(mark, ";")
        for cell in guarded.split(";"):
            assert not cell.strip(' "\x01\x1e\x7f\xa0\u2003\u3000').startswith(("=", "+", "-", "@", "＝", "＠", "－"))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TEXTS, min_size=40, max_size=60))
async def test_the_database_guards_alike(db: Database, team: Team, texts: list[str]) -> None:
    """What SQL writes and what Python takes off are one guard."""
    async with db.transaction(team.org_id, read_only=True) as conn:
        rows = await conn.fetch(
            f"SELECT {harmless_sql('x')} AS guarded, {suspect_sql(['x'])} AS suspect FROM unnest($1::text[]) AS t (x)",
            texts,
        )
    assert [row["guarded"] for row in rows] == [harmless(text) for text in texts]
    assert all(row["suspect"] for row in rows if row["guarded"].count("'") > 0 and row["guarded"] not in texts)
