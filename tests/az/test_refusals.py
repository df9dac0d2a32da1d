"""What az prints when it is refused: Azure's code and message, as it came over the wire."""

import pytest

from tests.az.cli import Az
from tests.contract.cloud import Cloud
from tests.levers import Levers

pytestmark = pytest.mark.timeout(600)
NOT_FOUND = 3
"""az's exit code for what is not there; 1 for other refusals."""


def refused(az: Az, command: str, code: str, says: str, *, exit_code: int = 1) -> None:
    """A command ends with an error of one code, whose message says something."""
    refusal = az.refused(command)
    assert refusal.exit_code == exit_code
    assert f"ERROR: ({code}) " in refusal.text
    assert says in refusal.text


def test_az_tells_what_is_not_there(az: Az, group: str) -> None:
    refused(
        az,
        "group show -n none",
        "ResourceGroupNotFound",
        "Resource group 'none' could not be found.",
        exit_code=NOT_FOUND,
    )
    says = (
        f"The Resource 'Microsoft.ContainerService/managedClusters/none' under resource group '{group}' was not found."
    )
    refused(az, f"aks show -g {group} -n none", "ResourceNotFound", says, exit_code=NOT_FOUND)


def test_az_tells_what_aks_refuses(az: Az, group: str, cloud: Cloud) -> None:
    create = f"aks create -g {group} --no-ssh-key"
    refused(az, f"{create} -n c --kubernetes-version 1.12.0", "K8sVersionNotSupported", "az aks get-versions")
    refused(
        az,
        f"{create} -n c --node-vm-size huge",
        "VMSizeNotSupported",
        "The VM size of huge is not allowed in your subscription",
    )
    az(f"{create} -n c --kubernetes-version 1.34")
    pool = f"-g {group} --cluster-name c"
    refused(
        az,
        f"aks upgrade -g {group} -n c --kubernetes-version 1.36.2 --yes",
        "OperationNotAllowed",
        "Available upgrades: [1.35.3]",
    )
    refused(
        az,
        f"aks nodepool add {pool} -n new --kubernetes-version 1.35.3",
        "NodePoolMcVersionIncompatible",
        "cannot be greater than",
    )
    refused(
        az,
        f"aks nodepool delete {pool} -n nodepool1",
        "OperationNotAllowed",
        "There has to be at least one agent pool.",
    )
    levers = Levers(cloud)
    levers.stop()
    az(f"aks nodepool add {pool} -n other --no-wait")
    refused(az, f"aks nodepool delete {pool} -n other", "OperationNotAllowed", "agentpool operation (other - Creating)")
    levers.run()
    levers.close()
    az(f"aks nodepool wait {pool} -n other --created --interval 1")


def test_az_tells_what_network_refuses(az: Az, group: str) -> None:
    at = f"-g {group}"
    az(f"network vnet create {at} -n net --address-prefix 10.1.0.0/16 --subnet-name nodes --subnet-prefix 10.1.0.0/24")
    subnet = f"network vnet subnet create {at} --vnet-name net -n more --address-prefixes"
    refused(az, f"{subnet} 10.1.0.128/25", "NetcfgSubnetRangesOverlap", "overlaps")
    refused(
        az,
        f"{subnet} 10.2.0.0/24",
        "NetcfgSubnetRangeOutsideVnet",
        "outside the IP address range of virtual network 'net'",
    )
    az(f"network nsg create {at} -n edge")
    rule = f"network nsg rule create {at} --nsg-name edge --priority 1000"
    az(f"{rule} -n one")
    refused(az, f"{rule} -n two", "SecurityRuleConflict", "same Priority and Direction")
    az(f"network vnet subnet update {at} --vnet-name net -n nodes --network-security-group edge")
    refused(az, f"network nsg delete {at} -n edge", "InUseNetworkSecurityGroupCannotBeDeleted", "cannot be deleted")


def test_az_tells_which_resource_a_deployment_failed_at(az: Az, group: str) -> None:
    at = f"-g {group}"
    az(f"network vnet create {at} -n net --address-prefix 10.1.0.0/16 --subnet-name nodes --subnet-prefix 10.1.0.0/24")
    refusal = az.refused(
        f"network lb create {at} -n inside --sku Standard --vnet-name net --subnet nodes --private-ip-address 10.9.0.9"
    )
    assert "DeploymentFailed" in refusal.text
    assert "10.9.0.9" in refusal.text


def test_az_tells_a_wrong_secret(stranger: Az, cloud: Cloud) -> None:
    who = f"--username {cloud.client} --password=wrong --tenant {cloud.tenant}"
    assert "AADSTS7000215: Invalid client secret provided." in stranger.refused(f"login --service-principal {who}").text
    assert "Please run 'az login'" in stranger.refused("account show").text
