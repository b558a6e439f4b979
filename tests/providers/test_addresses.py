"""Which hosts are public is decided by their text, on every machine alike."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banana_pipe.providers.addresses import is_public, is_public_host, literal

LOCAL = [
    *("127.0.0.1", "127.255.0.3", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "0.1.2.3"),
    *("100.64.0.1", "192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1", "203.0.113.9"),
    *("224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "fec0::1", "100::1", "::127.0.0.1", "::8.8.8.8"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "2001:db8::1", "2001:0:1::1", "2001:20::1"),
    *("2002:7f00:1::1", "2002:0808:0808::1", "3fff::1", "64:ff9b::127.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::8.8.8.8"),
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "172.32.0.1", "2606:4700::1111", "2a00:1450:4001::1", "64:ff9b::8.8.8.8"]


@pytest.mark.parametrize("address", LOCAL)
def test_an_address_that_is_not_of_the_open_internet_is_not_public(address: str) -> None:
    """Private, special, and those that carry another address inside."""
    assert not is_public(ip_address(address))
    assert not is_public_host(f"[{address}]" if ":" in address else address)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_open_internet_is_public(address: str) -> None:
    """The guard must let the picture through."""
    assert is_public(ip_address(address))
    assert is_public_host(address)


RANGES = [
    *(("0.0.0.0", "0.255.255.255"), ("10.0.0.0", "10.255.255.255"), ("100.64.0.0", "100.127.255.255")),
    *(("127.0.0.0", "127.255.255.255"), ("169.254.0.0", "169.254.255.255"), ("172.16.0.0", "172.31.255.255")),
    *(("192.0.0.0", "192.0.0.255"), ("192.0.2.0", "192.0.2.255"), ("192.88.99.0", "192.88.99.255")),
    *(("192.168.0.0", "192.168.255.255"), ("198.18.0.0", "198.19.255.255"), ("198.51.100.0", "198.51.100.255")),
    *(("203.0.113.0", "203.0.113.255"), ("224.0.0.0", "255.255.255.255")),
    *(("::", "64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff"), ("64:ff9b::1:0:0", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")),
    *(("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"), ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff")),
    *(("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff")),
    ("4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
]
"""The ranges of the registries; what NAT64 makes of addresses lies between two of them, and is judged by those."""
BESIDE = {"::", "0.0.0.0", "255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
          "64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff", "64:ff9b::1:0:0", "4000::"}  # fmt: skip
"""Ends beside which there is nothing, or nothing public."""


@pytest.mark.parametrize(("first", "last"), RANGES)
def test_a_range_ends_where_its_registry_says(first: str, last: str) -> None:
    """Its first and its last address are not public, and those before and behind it are."""
    assert not is_public(ip_address(first))
    assert not is_public(ip_address(last))
    assert first in BESIDE or is_public(ip_address(first) - 1)
    assert last in BESIDE or is_public(ip_address(last) + 1)


@pytest.mark.parametrize(
    "address", ["2000::", "3ffe::", "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "64:ff9b::223.255.255.255"]
)
def test_the_ends_of_what_is_global_are_public(address: str) -> None:
    """And behind NAT64's prefix what is public in itself, up to the highest."""
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    ("host", "address"),
    [
        *(("127.1", "127.0.0.1"), ("1.2.3", "1.2.0.3"), ("1.2.772", "1.2.3.4"), ("255.16777215", "255.255.255.255")),
        *(("4294967295", "255.255.255.255"), ("255.255.65535", "255.255.255.255"), ("0x1.02.3.4", "1.2.3.4")),
        *(("4294967296", None), ("1.16777216", None), ("1.2.65536", None), ("1.2.3.256", None), ("256.1", None)),
        *(("1.256.3.4", None), ("1.2.3.4.0", None), ("1.2.3.4.5", None), ("1..2", None), ("1.x", None), ("08.1", None)),
        *(("[::1]", "::1"), ("[fe80::1%25eth0]", "fe80::1"), ("1.2.3.4.", "1.2.3.4")),
    ],
)
def test_a_spelling_is_one_address_or_none(host: str, address: str | None) -> None:
    """Each part fills its byte, the last one what is left: no more, or it is no address."""
    assert literal(host) == (None if address is None else ip_address(address))


ODD = ["127.1", "127.0.1", "0x7f000001", "2130706433", "0177.0.0.1", "0x7f.1", "017700000001", "127.0.0.1.", "0"]
FULL_WIDTH = ["\uff11\uff12\uff17.0.0.1", "127\u30020\u30020\u30021"]


@pytest.mark.parametrize("host", [*ODD, *FULL_WIDTH, "[::1]", "[fe80::1%eth0]", "[::FFFF:7f00:1]"])
def test_odd_spellings_of_local_addresses_are_read_as_resolvers_read_them(host: str) -> None:
    """`127.1` is 127.0.0.1 to every resolver, and no library for addresses says so."""
    assert not is_public_host(host)
    assert literal(host) is not None


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST.",
        "api.localhost",
        "printer",
        "nas.local",
        "x.INTERNAL",
        "",
        "1.2.3.4.5",
        "999.1.1.1",
        "a.1",
        "a.b.local",
        "a.b.1",
    ],
)
def test_names_that_only_this_network_knows_are_not_public(host: str) -> None:
    """Single labels, local domains, and what ends in a number without being an address."""
    assert not is_public_host(host)


@pytest.mark.parametrize(
    "host",
    [
        "api.acedata.cloud",
        "platform.cdn.acedata.cloud.",
        "bücher.example",
        "local.example",
        "a.local.example",
        "a.1.example",
    ],
)
def test_names_of_the_open_internet_are_public(host: str) -> None:
    """A company's gateway included."""
    assert is_public_host(host)


@given(st.integers(0, 2**32 - 1), st.sampled_from([str, hex, lambda number: f"0{number:o}"]))
def test_an_address_as_one_number_is_that_address(number: int, spell: object) -> None:
    """Decimal, hexadecimal and octal spellings name one and the same."""
    assert callable(spell)
    assert literal(spell(number)) == IPv4Address(number)


@given(st.integers(0, 2**32 - 1))
def test_an_address_inside_another_is_never_public_unless_by_nat64(number: int) -> None:
    """Mapped, compatible and 6to4 forms lead somewhere else than they say."""
    inner = IPv4Address(number)
    assert not is_public(IPv6Address(f"::ffff:{inner}"))
    assert not is_public(IPv6Address(number))
    assert not is_public(IPv6Address((0x2002 << 112) + (number << 80)))
    assert is_public(IPv6Address(f"64:ff9b::{inner}")) == is_public(inner)


@given(st.text())
def test_any_text_gets_an_answer(text: str) -> None:
    """A host is a stranger's text."""
    assert is_public_host(text) in (True, False)
