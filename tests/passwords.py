"""What a password costs to check: little while tests run, for hundreds of teams sign up; as shipped where that is what is tested."""

from collections.abc import Iterator
from contextlib import contextmanager

import argon2

from baton.kernel import security

_SHIPPED = security._hasher


def make_passwords_cheap() -> None:
    """Hash with the least that argon2 can do."""
    _use(argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@contextmanager
def shipped_passwords() -> Iterator[None]:
    """Hash as the product does."""
    _use(_SHIPPED)
    try:
        yield
    finally:
        make_passwords_cheap()


def _use(hasher: argon2.PasswordHasher) -> None:
    security._hasher = hasher
    security._decoy.cache_clear()
