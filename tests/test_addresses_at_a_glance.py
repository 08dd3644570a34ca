"""A plain address and a plain name are read at a glance, and read as they would be in full."""

import unicodedata

from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given, settings
from hypothesis import strategies as st

from baton.kernel.errors import Invalid
from baton.kernel.values import email_address, fold

_LOCAL = st.text("aZ09_+-.@!\"'é ", min_size=0, max_size=70)
_LABEL = st.text("aZ09-éß_", min_size=0, max_size=64)


@settings(max_examples=400, deadline=None)
@given(st.builds(lambda local, labels: f"{local}@{'.'.join(labels)}", _LOCAL, st.lists(_LABEL, max_size=4)))
@example("Info@Acme.Example")
@example("Ana.Rey+crm@ACME.example")
@example(f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 60}.example")
@example("ana@xn--mnchen-3ya.example")
@example("ana@acme.123")
@example("ana@a--b.example")
@example("ana.@acme.example")
@example("ana@acme.local")
def test_an_address_is_what_the_whole_check_says(text: str) -> None:
    """RFC 5321, 5322."""
    try:
        whole = validate_email(
            text.strip(), check_deliverability=False, test_environment=True, allow_domain_literal=False
        ).normalized
    except EmailNotValidError as error:
        whole = f"refused: {error}"
    try:
        found = email_address(text)
    except Invalid as error:
        found = "refused: " + error.message.partition(" is not an e-mail address: ")[2]
    assert found == whole


@given(st.text(max_size=40))
@example("Tomás  Rey")
@example(" ANA\tRey\x1f x\x0b ")
def test_folding_plain_text_is_folding(text: str) -> None:
    """Also for whitespace that only Python takes for one."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    assert fold(text) == " ".join(plain.casefold().split())
