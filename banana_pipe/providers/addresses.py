"""Which hosts and addresses are public: rules on text and on numbers, never on DNS.

Unaware of connections, of providers and of what is fetched.

Sources: the IANA registries of special-purpose IPv4 and IPv6 addresses; RFC 6052 (NAT64),
RFC 3056 (6to4), RFC 4380 (Teredo).
"""

from __future__ import annotations

import re
import unicodedata
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

_LOCAL_NAMES = ("localhost", "local", "internal")
_DOTS = re.compile("[\u3002\uff0e\uff61]")

# Lists of our own: those of `ipaddress` change with Python's patch releases, and these decide keys.
_NOT_PUBLIC_4 = tuple(
    map(
        IPv4Network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
            *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        ),
    )
)
_GLOBAL_6 = IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
_NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Whether *address* belongs to the open internet.

    Addresses that carry another one inside (mapped, 6to4, Teredo) do not: they lead elsewhere. The
    exception is NAT64's own prefix, the only way to a CDN from some networks, judged by what it carries.
    """
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in _GLOBAL_6 and not any(address in network for network in _NOT_PUBLIC_6)


def literal(host: str) -> Address | None:
    """The address that *host* spells, in any spelling that some resolver takes (`127.1`, `0x7f000001`)."""
    host = plain_host(host)
    try:
        return ip_address(host)
    except ValueError:
        return _odd_ipv4(host)


def is_public_host(host: str) -> bool:
    """Whether *host*, judged by its text alone, is a public name or a public address."""
    host = plain_host(host)
    address = literal(host)
    if address is not None:
        return is_public(address)
    labels = host.split(".")
    # No public name ends in a number: such a text is a misspelt address.
    return len(labels) > 1 and labels[-1] not in _LOCAL_NAMES and not re.match(r"[0-9]", labels[-1])


def plain_host(host: str) -> str:
    """*host* in lower case, without brackets, zone and last dot; full-width letters as plain ones."""
    host = _DOTS.sub(".", unicodedata.normalize("NFKC", host)).casefold()
    return host.strip("[]").partition("%")[0].removesuffix(".")


def _odd_ipv4(host: str) -> IPv4Address | None:
    # As inet_aton reads it, on every system alike: what is local decides keys.
    parts = host.split(".")
    if len(parts) > 4:
        return None
    numbers = [number for part in parts if (number := _number(part)) is not None]
    if len(numbers) < len(parts):
        return None
    *first, last = numbers
    room = 4 - len(first)
    if any(number > 255 for number in first) or last >= 256**room:
        return None
    high = sum(number << (24 - 8 * place) for place, number in enumerate(first))
    return IPv4Address(high + last)


def _number(part: str) -> int | None:
    if re.fullmatch(r"0x[0-9a-f]{1,16}", part):
        return int(part, 16)
    if re.fullmatch(r"0[0-7]{0,16}", part):
        return int(part, 8)
    return int(part) if re.fullmatch(r"[1-9][0-9]{0,16}", part) else None
