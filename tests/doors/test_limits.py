"""Rate limits: a sliding window, bounded memory, and who counts as one caller."""

import dataclasses
from typing import Any

import pytest
from starlette.requests import Request

from baton.doors.limits import Limit, Limits, network
from baton.kernel.settings import Settings


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_never_more_than_the_limit_in_any_minute() -> None:
    clock = Clock()
    limit = Limit("address", 10, clock=clock)
    taken = []
    for _ in range(400):
        if limit.take("a").allowed:
            taken.append(clock.now)
        clock.now += 0.5
    assert len(taken) >= 30
    for start in taken:
        assert sum(start <= moment < start + 60 for moment in taken) <= 10


def test_when_to_come_again_is_true() -> None:
    clock = Clock()
    limit = Limit("address", 5, clock=clock)
    for _ in range(50):
        standing = limit.take("a")
        if not standing.allowed:
            assert 1 <= standing.seconds <= 120
            clock.now += standing.seconds
            assert limit.take("a").allowed
        clock.now += 3


def test_keys_do_not_share_and_memory_is_bounded() -> None:
    limit = Limit("address", 1, clock=Clock(), keys=100)
    assert all(limit.take(f"key {n}").allowed for n in range(10_000))
    assert len(limit._counts) == 100
    assert not limit.take("key 9999").allowed


def test_no_limit_and_giving_back() -> None:
    assert all(Limit("x", 0).take("a").allowed for _ in range(100))
    limit = Limit("x", 1, clock=Clock())
    limit.take("a")
    limit.give_back("a")
    assert limit.take("a").allowed


@pytest.mark.parametrize(
    ("address", "one"),
    [
        ("203.0.113.9", "203.0.113.9"), ("::ffff:203.0.113.9", "203.0.113.9"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"), ("[2001:db8:1:2::7]", "2001:db8:1:2::/64"), ("fe80::1%eth0", "fe80::/64"),
        ("nonsense", "nonsense"),
    ],
)  # fmt: skip
def test_who_counts_as_one_caller(address: str, one: str) -> None:
    assert network(address) == one


@pytest.mark.parametrize(
    ("proxies", "header", "one"),
    [
        (0, "198.51.100.1", "203.0.113.9"), (1, "198.51.100.1", "198.51.100.1"), (1, "10.0.0.1, 198.51.100.1", "198.51.100.1"),
        (2, "6.6.6.6, 198.51.100.1, 10.0.0.1", "198.51.100.1"), (2, "198.51.100.1", "203.0.113.9"), (1, "", "203.0.113.9"),
    ],
)  # fmt: skip
def test_only_our_own_proxies_are_believed(settings: Settings, proxies: int, header: str, one: str) -> None:
    """ATTACKS: a caller cannot choose its address."""
    headers: Any = [(b"x-forwarded-for", header.encode())] if header else []
    request = Request({"type": "http", "headers": headers, "client": ("203.0.113.9", 5)})
    assert Limits(dataclasses.replace(settings, trusted_proxies=proxies)).address(request) == one


def test_several_processes_share_a_limit(settings: Settings) -> None:
    """Three processes that divide ten attempts let nine through between them, wherever the caller is sent."""
    shared = dataclasses.replace(settings, web_processes=3, sign_in_per_email=10, capture_per_address=0)
    processes = [Limits(shared) for _ in range(3)]
    let = [process.sign_in_email.take("ana@northwind.example").allowed for process in processes * 10]
    assert sum(let) == 9
    assert processes[0].capture_address.limit == 0
