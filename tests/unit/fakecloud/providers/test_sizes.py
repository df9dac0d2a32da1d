"""VM sizes by their names."""

import pytest

from fakecloud.providers.containerservice.sizes import read


@pytest.mark.parametrize(
    ("name", "cores", "family"),
    [
        ("Standard_D4s_v5", 4, "standardDSv5Family"),
        ("standard_d4s_v5", 4, "standardDSv5Family"),
        ("Standard_D16_v5", 16, "standardDv5Family"),
        ("Standard_D8ds_v5", 8, "standardDDSv5Family"),
        ("Standard_D8ads_v6", 8, "standardDADSv6Family"),
        ("Standard_D2ps_v5", 2, "standardDPSv5Family"),
        ("Standard_E32-8s_v5", 32, "standardESv5Family"),
        ("Standard_B2ms", 2, "standardBSFamily"),
        ("Standard_B4s_v2", 4, "standardBSv2Family"),
        ("Standard_DS2_v2", 2, "standardDSv2Family"),
        ("Standard_DS3_v2", 4, "standardDSv2Family"),
        ("Standard_D14_v2", 16, "standardDv2Family"),
        ("Standard_F8s_v2", 8, "standardFSv2Family"),
        ("Standard_NC6s_v3", 6, "standardNCSv3Family"),
        ("Standard_NC24ads_A100_v4", 24, "standardNCADSA100v4Family"),
    ],
)
def test_what_a_size_tells(name: str, cores: int, family: str) -> None:
    size = read(name)
    assert size is not None
    assert (size.cores, size.family) == (cores, family)


@pytest.mark.parametrize("name", ["", "Standard", "D4s_v5", "Standard_", "Standard_D", "Standard_4", "Large_D4s_v5"])
def test_what_is_no_size(name: str) -> None:
    assert read(name) is None
