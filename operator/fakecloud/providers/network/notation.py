"""Addresses and prefixes as clients write them, and what Network says to what is none."""

import ipaddress

from fakecloud.arm.errors import bad_request

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def read_address(text: object, of: str) -> Address:
    """An address that `of` has; raises ArmError (400)."""
    try:
        return ipaddress.ip_address(str(text))
    except ValueError as error:
        raise bad_request("InvalidIPAddressFormat", f"The IP address {text} of {of} is invalid.") from error


def read_prefix(text: object) -> Network:
    """A network in CIDR notation; raises ArmError (400)."""
    try:
        return ipaddress.ip_network(str(text))
    except ValueError as error:
        raise bad_request(
            "InvalidCIDRNotation",
            f"The address prefix {text} has an invalid CIDR notation. For a given prefix length, some bits in the address portion must always be zero.",
        ) from error
