"""What is done to a cluster beside writing it: commands, rotations, node images, maintenance windows."""

import base64
import io
import re
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.containerservice.models import AgentPoolDeleteMachinesParameter, MaintenanceConfiguration

from tests.contract.bodies import CLUSTERS, Body, cluster, pool
from tests.contract.cloud import Arm, Clients, Cloud, Group, until
from tests.contract.conftest import new_group, running
from tests.levers import Levers

WEEK = 7 * 86400.0
KUBECTL = """#!/bin/sh
echo "arguments: $*"
echo "files: $(ls)"
grep -c current-context "$KUBECONFIG" >&2
exit 3
"""
"""A program in kubectl's place: a cluster without machines has no API server to ask."""


@pytest.fixture
def path(group: Group, arm: Arm) -> str:
    """The id of a cluster with a System pool."""
    return str(arm.make(group.path(CLUSTERS, "c"), cluster())["id"])


@pytest.fixture(scope="module")
def equipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arm]:
    """A cloud that finds our program as kubectl."""
    tools = tmp_path_factory.mktemp("tools")
    program = tools / "kubectl"
    program.write_text(KUBECTL)
    program.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{tools}:/usr/bin:/bin")
        with running(tmp_path_factory.mktemp("equipped"), "240") as made:
            yield made


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arm]:
    """A cloud whose clock can be moved."""
    with running(tmp_path_factory.mktemp("clock"), "instant", "--levers") as made:
        yield made


# commands


def archive(files: dict[str, str]) -> str:
    """A zip archive in base64."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as into:
        for name, text in files.items():
            into.writestr(name, text)
    return base64.b64encode(made.getvalue()).decode()


def ran(arm: Arm, path: str, command: str, context: str = "") -> Body:
    """What came of a command."""
    reply = arm.post(f"{path}/runCommand", {"command": command, "context": context})
    assert (reply.status, reply.text) == (202, "")
    location = reply.headers["Location"]
    found = until("it ran", lambda: r if (r := arm.get(location)).status == 200 else None).body["properties"]
    return dict(found)


def test_the_sdk_runs_a_command(equipped: Arm) -> None:
    group = new_group(equipped)
    equipped.make(group.path(CLUSTERS, "c"), cluster())
    clients = Clients(equipped.cloud)
    clusters = clients.aks.managed_clusters
    result = clusters.begin_run_command(group.name, "c", {"command": "kubectl get nodes", "context": ""}).result()
    assert result is not None
    assert result.properties is not None
    assert (result.properties.provisioning_state, result.properties.exit_code) == ("Succeeded", 3)
    assert "arguments: get nodes" in (result.properties.logs or "")
    again = clusters.get_command_result(group.name, "c", str(result.id))
    assert again is not None
    assert again.properties == result.properties
    clients.close()


def test_a_command_has_the_clusters_kubeconfig_and_the_files_it_brought(equipped: Arm) -> None:
    path = equipped.make(new_group(equipped).path(CLUSTERS, "c"), cluster())["id"]
    logs = ran(equipped, path, "kubectl apply -f 'a b.yaml'", archive({"one.yaml": "x", "two.yaml": "y"}))["logs"]
    assert logs.splitlines() == ["arguments: apply -f a b.yaml", "files: one.yaml", "two.yaml", "1"]


def test_its_result_is_202_and_says_so_while_it_runs(unhurried: Arm) -> None:
    path = unhurried.put(new_group(unhurried).path(CLUSTERS, "c"), cluster()).body["id"]
    reply = unhurried.post(f"{path}/runCommand", {"command": "kubectl version"})
    location = reply.headers["Location"]
    assert re.search(f"{path}/commandResults/[0-9a-f]{{32}}\\?", location), "az finds its number so"
    running = unhurried.get(location)
    assert (running.status, running.state) == (202, "Running")
    assert unhurried.get(f"{path}/commandResults/none").status == 404


def test_there_is_no_shell_and_no_other_program(equipped: Arm) -> None:
    path = equipped.make(new_group(equipped).path(CLUSTERS, "c"), cluster())["id"]
    for command in ("ls /", "sh -c kubectl", "/bin/ls", "helm list", ""):
        reply = equipped.post(f"{path}/runCommand", {"command": command})
        assert reply.status == 202 if command else reply.status == 400
        if command:
            assert ran(equipped, path, command)["exitCode"] == 127
    assert "get; ls" in ran(equipped, path, "kubectl 'get; ls'")["logs"]


def test_files_cannot_be_put_elsewhere(equipped: Arm) -> None:
    path = equipped.make(new_group(equipped).path(CLUSTERS, "c"), cluster())["id"]
    bad = ran(equipped, path, "kubectl get", archive({"../out": "x"}))
    assert (bad["exitCode"], "outside of the directory" in bad["logs"]) == (1, True)
    assert ran(equipped, path, "kubectl get", base64.b64encode(b"no zip").decode())["exitCode"] == 1
    assert equipped.post(f"{path}/runCommand", {"command": "kubectl get", "context": "§"}).status == 400


def test_a_cluster_may_forbid_commands(arm: Arm, group: Group) -> None:
    path = arm.make(group.path(CLUSTERS, "c"), cluster(apiServerAccessProfile={"disableRunCommand": True}))["id"]
    assert arm.post(f"{path}/runCommand", {"command": "kubectl get"}).status == 400
    assert arm.post(f"{group.path(CLUSTERS, 'none')}/runCommand", {"command": "kubectl get"}).status == 404


def test_a_command_is_not_an_operation_of_its_cluster(unhurried: Arm) -> None:
    path = unhurried.put(new_group(unhurried).path(CLUSTERS, "c"), cluster()).body["id"]
    assert [unhurried.post(f"{path}/runCommand", {"command": "kubectl get"}).status for _ in range(2)] == [202, 202]


# rotations


def test_the_sdk_rotates_certificates_and_signing_keys(sdk: Clients, group: Group, path: str, arm: Arm) -> None:
    sdk.aks.managed_clusters.begin_rotate_cluster_certificates(group.name, "c").result()
    sdk.aks.managed_clusters.begin_rotate_service_account_signing_keys(group.name, "c").result()
    assert arm.get(path).state == "Succeeded"


def test_a_cluster_is_rotating_and_busy_meanwhile(start_cloud: Callable[[str], Cloud]) -> None:
    arm = Arm(start_cloud("60"))
    path = arm.make(new_group(arm).path(CLUSTERS, "c"), cluster())["id"]
    reply = arm.post(f"{path}/rotateClusterCertificates")
    assert (reply.status, reply.text) == (202, "")
    assert reply.headers["Location"]
    assert arm.get(path).state == "RotatingClusterCertificates"
    for refused in (arm.put(path, cluster()), arm.post(f"{path}/rotateClusterCertificates")):
        assert (refused.status, refused.code) == (409, "OperationNotAllowed")
        assert "RotatingClusterCertificates" in refused.message
    arm.close()


# node images


def test_a_pool_gets_the_newest_image_when_it_is_made(clock: Arm) -> None:
    levers = Levers(clock.cloud)
    path = clock.make(new_group(clock).path(CLUSTERS, "c"), cluster())["id"]
    old = clock.get(f"{path}/agentPools/system").body["properties"]["nodeImageVersion"]
    levers.advance(WEEK)
    levers.close()
    clock.token = clock.cloud.log_in()
    assert clock.get(f"{path}/agentPools/system").body["properties"]["nodeImageVersion"] == old
    newest = clock.get(f"{path}/agentPools/system/upgradeProfiles/default").body["properties"]["latestNodeImageVersion"]
    assert newest > old
    made = clock.make(f"{path}/agentPools/new", pool())
    assert made["properties"]["nodeImageVersion"] == newest


def test_the_sdk_upgrades_a_node_image_and_again_is_204(clock: Arm) -> None:
    levers = Levers(clock.cloud)
    group = new_group(clock)
    path = clock.make(group.path(CLUSTERS, "c"), cluster())["id"]
    levers.advance(WEEK)
    levers.close()
    clock.token = clock.cloud.log_in()
    newest = clock.get(f"{path}/agentPools/system/upgradeProfiles/default").body["properties"]["latestNodeImageVersion"]
    clients = Clients(clock.cloud)
    clients.aks.agent_pools.begin_upgrade_node_image_version(group.name, "c", "system").result()
    clients.close()
    assert clock.get(f"{path}/agentPools/system").body["properties"]["nodeImageVersion"] == newest
    assert clock.post(f"{path}/agentPools/system/upgradeNodeImageVersion").status == 204


# machines


def machines(arm: Arm, pool_id: str) -> list[str]:
    """The names of a pool's machines."""
    return [entry["name"] for entry in arm.get(f"{pool_id}/machines").body["value"]]


def test_the_sdk_removes_the_machines_that_it_names(sdk: Clients, group: Group, path: str, arm: Arm) -> None:
    pools = f"{path}/agentPools/p"
    arm.make(pools, pool(count=3))
    first, second, third = machines(arm, pools)
    names = AgentPoolDeleteMachinesParameter(machine_names=[second.upper()])
    sdk.aks.agent_pools.begin_delete_machines(group.name, "c", "p", names).result()
    assert machines(arm, pools) == [first, third]
    assert arm.get(pools).body["properties"]["count"] == 2


def test_machines_that_are_not_there_and_the_last_of_a_system_pool_are_not_removed(arm: Arm, path: str) -> None:
    [last] = machines(arm, f"{path}/agentPools/system")
    for names in ([], ["none"], [last], [last, "none"]):
        reply = arm.post(f"{path}/agentPools/system/deleteMachines", {"machineNames": names})
        assert (reply.status, reply.code) == (400, "InvalidParameter"), names
    assert arm.post(f"{path}/agentPools/system/deleteMachines", {"machineNames": "x"}).code == "UnmarshalError"


# maintenance windows


def window(**more: Any) -> Body:
    """A maintenance window every Sunday."""
    weekly = {"weekly": {"intervalWeeks": 1, "dayOfWeek": "Sunday"}}
    return {"properties": {"maintenanceWindow": {"schedule": weekly, "durationHours": 8, "startTime": "02:00", **more}}}


def test_the_sdk_makes_lists_and_removes_a_maintenance_window(sdk: Clients, group: Group, path: str) -> None:
    configurations = sdk.aks.maintenance_configurations
    name = "aksManagedAutoUpgradeSchedule"
    made = configurations.create_or_update(group.name, "c", name, MaintenanceConfiguration(window(utcOffset="+01:00")))
    assert made.properties is not None
    assert made.properties.maintenance_window is not None
    assert made.properties.maintenance_window.duration_hours == 8
    assert configurations.get(group.name, "c", name) == made
    assert [entry.name for entry in configurations.list_by_managed_cluster(group.name, "c")] == [name]
    configurations.delete(group.name, "c", name)
    with pytest.raises(HttpResponseError):
        configurations.get(group.name, "c", name)


def test_a_window_is_written_with_200_and_gone_with_200_then_204(arm: Arm, path: str) -> None:
    url = f"{path}/maintenanceConfigurations/default"
    body = {"properties": {"timeInWeek": [{"day": "Monday", "hourSlots": [1, 2]}]}}
    assert [arm.put(url, body).status for _ in range(2)] == [200, 200]
    assert [arm.delete(url).status for _ in range(2)] == [200, 204]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("other", window()),
        ("default", window()),
        ("default", {"properties": {"timeInWeek": [{"day": "Someday", "hourSlots": [1]}]}}),
        ("default", {"properties": {"timeInWeek": [{"day": "Monday", "hourSlots": [24]}]}}),
        ("aksManagedAutoUpgradeSchedule", {"properties": {}}),
        ("aksManagedAutoUpgradeSchedule", window(durationHours=3)),
        ("aksManagedAutoUpgradeSchedule", window(durationHours=25)),
        ("aksManagedAutoUpgradeSchedule", window(startTime="24:00")),
        ("aksManagedAutoUpgradeSchedule", window(utcOffset="1")),
        ("aksManagedAutoUpgradeSchedule", window(schedule={})),
        ("aksManagedAutoUpgradeSchedule", window(schedule={"daily": {"intervalDays": 8}})),
        ("aksManagedAutoUpgradeSchedule", window(schedule={"weekly": {"intervalWeeks": 1, "dayOfWeek": "Noday"}})),
        (
            "aksManagedAutoUpgradeSchedule",
            window(schedule={"absoluteMonthly": {"intervalMonths": 1, "dayOfMonth": 32}}),
        ),
        ("aksManagedNodeOSUpgradeSchedule", window(notAllowedDates=[{"start": "2026-12-26", "end": "2026-12-24"}])),
        ("aksManagedNodeOSUpgradeSchedule", window(notAllowedDates=[{"start": "soon", "end": "later"}])),
        ("aksManagedNodeOSUpgradeSchedule", window(colour="red")),
    ],
)
def test_windows_that_aks_refuses(arm: Arm, path: str, name: str, body: Body) -> None:
    reply = arm.put(f"{path}/maintenanceConfigurations/{name}", body)
    assert (reply.status, reply.code) in {(400, "InvalidParameter"), (400, "UnmarshalError")}


def test_windows_of_all_kinds_are_taken(arm: Arm, path: str) -> None:
    for schedule in (
        {"daily": {"intervalDays": 7}},
        {"absoluteMonthly": {"intervalMonths": 6, "dayOfMonth": 31}},
        {"relativeMonthly": {"intervalMonths": 1, "dayOfWeek": "monday", "weekIndex": "Last"}},
    ):
        dates = [{"start": "2026-12-24", "end": "2026-12-26"}]
        body = window(schedule=schedule, startDate="2026-12-01", notAllowedDates=dates)
        assert arm.put(f"{path}/maintenanceConfigurations/aksManagedAutoUpgradeSchedule", body).status == 200
