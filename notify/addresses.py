"""Which addresses we may connect to when a person names a target: public ones, and what the operator allows.

Without this a webhook could make us ask the cloud's metadata service, or any machine of the
intranet, with our network's trust (server-side request forgery, OWASP API7:2023).
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from core.errors import WattlineError

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Gives the numeric addresses of a host."""

# What clouds tell their machines' secrets on: most of them, Amazon's containers and IPv6, Alibaba, and
# Azure's wire server, which is public by number.
_METADATA = frozenset(
    map(
        ip_address,
        ("169.254.169.254", "169.254.170.2", "fd00:ec2::254", "100.100.100.200", "168.63.129.16"),
    )
)
# IPv6 that carries an IPv4 address which a gateway may unpack: NAT64 (RFC 6052), 6to4, Teredo.
_CARRIERS = tuple(IPv6Network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))


class AddressRefused(WattlineError):
    """A host has no address that we may connect to."""


async def resolve(host: str, port: int) -> list[str]:
    """Addresses by the system's resolver; raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(where[0]) for *_, where in found))


def permitted(text: str, allowed: Iterable[str]) -> bool:
    """Whether we may connect to a numeric address; allowed: CIDR ranges of the operator.

    A metadata service is opened by its own address alone, not by a range around it.
    """
    address = _unwrapped(ip_address(text.partition("%")[0]))
    opened = [net for net in map(ip_network, allowed) if address.version == net.version and address in net]
    if any(address not in _METADATA or net.num_addresses == 1 for net in opened):
        return True
    if address in _METADATA or address.is_multicast or any(address in net for net in _CARRIERS):
        return False
    # Global excludes loopback, link-local (169.254/16), private, carrier-grade NAT (100.64/10), unspecified.
    return address.is_global


def choose(host: str, found: Iterable[str], allowed: Iterable[str]) -> str:
    """The address to connect to, of those that a name has now; raises AddressRefused."""
    ranges, addresses = tuple(allowed), list(found)
    for address in addresses:
        if permitted(address, ranges):
            return address
    named = ", ".join(addresses) or "none"
    raise AddressRefused(
        f"{host} is {named}, where messages may not go: add its range to alerts.allow_networks if it is meant"
    )


def _unwrapped(address: Address) -> Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
