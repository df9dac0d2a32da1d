"""All that the SDK can ask: built, or 501; never a 404 of a type that Azure has, never a 200 for nothing."""

from pathlib import Path

import pytest

import fakecloud.arm.surface
import fakecloud.providers
from fakecloud.arm.surface import AZURE
from hack import arm_models, arm_surface
from tests.contract.cloud import Arm, Group, Reply

METHODS = {"LIST": "GET"}


def ask(arm: Arm, group: Group, type_: str, verb: str) -> Reply:
    """The answer to one verb on resources, none of which is there."""
    provider, *segments = type_.split("/")
    names = [f"none{i}" for i in range(len(segments))]
    path = "".join(f"/{segment}/{name}" for segment, name in zip(segments, names, strict=True))
    if verb == "LIST":
        path = path.rpartition("/")[0]
    method, _, action = verb.partition(":")
    scope = f"/subscriptions/{arm.cloud.subscription}" if segments[0].lower() == "locations" else group.id
    url = f"{scope}/providers/{provider}{path}" + (f"/{action}" if action else "")
    return arm(METHODS.get(method, method), url, {} if method in {"PUT", "PATCH", "POST"} else None)


def test_the_table_of_what_azure_can_do_is_that_of_the_sdk() -> None:
    table = Path(fakecloud.arm.surface.__file__).with_name("azure.txt").read_text()
    assert table == arm_surface.table(), "hack/arm_surface.py > operator/fakecloud/arm/azure.txt"


@pytest.mark.parametrize("provider", arm_models.TABLES)
def test_the_models_of_a_provider_are_those_of_the_sdk(provider: str) -> None:
    file = Path(fakecloud.providers.__file__).parent / provider / "models.json"
    assert file.read_text() == arm_models.TABLES[provider](), f"hack/arm_models.py {provider} > {file}"


def test_every_operation_of_the_sdk_is_built_or_501(group: Group, arm: Arm) -> None:
    wrong = []
    for type_, verbs in AZURE.items():
        for verb in verbs:
            reply = ask(arm, group, type_, verb)
            refused = reply.status in {400, 404} and reply.code in {"InvalidResourceType", "InvalidResourceNamespace"}
            if refused or reply.status == 405 or reply.status == 500:
                wrong.append(f"{verb} {type_}: {reply.status} {reply.text}")
    assert wrong == []


def test_nothing_is_built_that_azure_does_not_have(arm: Arm, group: Group) -> None:
    """A verb that no table knows is 405."""
    for type_, verbs in AZURE.items():
        if "PUT" not in verbs:
            assert ask(arm, group, type_, "PUT").status == 405, type_
