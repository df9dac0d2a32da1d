"""az account and group: who we are, and what holds our resources."""

from tests.az.cli import Az
from tests.az.conftest import NAME
from tests.contract.cloud import Cloud


def test_az_is_logged_in_as_the_service_principal_in_the_registered_cloud(az: Az, cloud: Cloud) -> None:
    account = az("account show")
    assert (account["environmentName"], account["id"]) == (NAME, cloud.subscription)
    assert (account["tenantId"], account["user"]) == (cloud.tenant, {"name": cloud.client, "type": "servicePrincipal"})
    regions = {region["name"]: region for region in az("account list-locations")}
    assert regions["westeurope"]["metadata"]["pairedRegion"][0]["name"] == "northeurope"


def test_az_makes_finds_and_removes_groups(az: Az) -> None:
    made = az("group create --name shop --location westeurope --tags team=web")
    assert (made["name"], made["location"], made["tags"]) == ("shop", "westeurope", {"team": "web"})
    assert made["properties"]["provisioningState"] == "Succeeded"
    assert az("group show --name SHOP") == made
    az("group create --name other --location northeurope")
    assert {"shop", "other"} <= {group["name"] for group in az("group list")}
    assert [group["name"] for group in az("group list --tag team=web")] == ["shop"]
    az("group update --name shop --set tags.stage=new")
    assert az("group show --name shop")["tags"] == {"team": "web", "stage": "new"}
    assert az("group exists --name shop") is True
    for name in ("shop", "other"):
        az(f"group delete --name {name} --yes")
    assert az("group exists --name shop") is False
