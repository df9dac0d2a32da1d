"""The fake cloud's server and agents."""

import re

import pytest
import typer

from fakecloud.cli import app
from tests.chart.rendering import (
    FAKECLOUD,
    NAMESPACE,
    OPERATOR,
    Manifest,
    containers,
    everything,
    one,
    pods,
    refusal,
    render,
)


def server(values: Manifest | None = None) -> Manifest:
    (found,) = dict(pods(render(FAKECLOUD, values)))["StatefulSet/fakecloud"]["containers"]
    assert isinstance(found, dict)
    return found


def test_without_the_fake_there_is_nothing_of_it() -> None:
    assert not [m for m in render(OPERATOR, {"fakecloud": {"enabled": False}}) if "fakecloud" in str(m)]


def test_with_the_operator_it_is_what_it_is_alone() -> None:
    alone = {(m["kind"], m["metadata"]["name"]): m.get("spec") for m in render(FAKECLOUD)}
    both = {(m["kind"], m["metadata"]["name"]): m.get("spec") for m in everything()}
    assert alone.items() <= both.items()


def test_the_servers_command() -> None:
    found = server()
    assert found["command"] == ["fakecloud"]
    assert found["args"] == [
        "serve",
        "--port=8443",
        "--listen=0.0.0.0",
        "--state=/var/lib/fakecloud",
        f"--hostname=fakecloud.{NAMESPACE}.svc",
        "--subscription=00000000-0000-0000-0000-000000000001",
        "--tenant=00000000-0000-0000-0000-000000000002",
        "--client=00000000-0000-0000-0000-000000000003",
        "--compute=host",
        "--speed=60",
        "--throttle=off",
        "--dns-port=5353",
        "--public-range=203.0.113.0/24",
        f"--publish-namespace={NAMESPACE}",
    ]


def test_quotas_are_told_to_the_server() -> None:
    (container,) = dict(pods(render(FAKECLOUD, {"quotas": ["cores=8", "westeurope/cores=4"]})))[
        "StatefulSet/fakecloud"
    ]["containers"]
    assert [option for option in container["args"] if option.startswith("--quota=")] == [
        "--quota=cores=8",
        "--quota=westeurope/cores=4",
    ]


@pytest.mark.parametrize("workload", ["StatefulSet/fakecloud", "DaemonSet/fakecloud-agent"])
def test_the_command_knows_every_option_that_it_is_given(workload: str) -> None:
    (container,) = dict(pods(render(FAKECLOUD)))[workload]["containers"]
    name, *options = container["args"]
    group = typer.main.get_group(app)
    command = group.commands[name]
    command.make_context(name, list(options))  # raises what the command line would say


LOGIN: Manifest = {
    "certificates": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    "federatedIdentities": [
        {"issuer": "https://one.example", "subject": "system:serviceaccount:a:b"},
        {"issuer": "https://two.example", "subject": "somebody", "audience": "api://other"},
    ],
    "federatedKeys": '{"keys": []}',
}


def test_logins_without_the_secret() -> None:
    rendered = render(FAKECLOUD, {"login": LOGIN})
    assert one(rendered, "ConfigMap", "fakecloud-login")["data"] == {
        "certificates": LOGIN["certificates"],
        "federatedKeys": LOGIN["federatedKeys"],
    }
    pod = dict(pods(rendered))["StatefulSet/fakecloud"]
    (container,) = pod["containers"]
    assert [a for a in container["args"] if "federated" in a or "certificate" in a] == [
        "--federated-identity=issuer=https://one.example,subject=system:serviceaccount:a:b",
        "--federated-identity=issuer=https://two.example,subject=somebody,audience=api://other",
        "--client-certificate=/etc/fakecloud/login/certificates",
        "--federated-keys=/etc/fakecloud/login/federatedKeys",
    ]
    assert {"name": "login", "configMap": {"name": "fakecloud-login"}} in pod["volumes"]
    assert {"name": "login", "mountPath": "/etc/fakecloud/login", "readOnly": True} in container["volumeMounts"]


def test_without_such_logins_there_is_no_file_for_them() -> None:
    rendered = render(FAKECLOUD, {"login": {"federatedIdentities": LOGIN["federatedIdentities"]}})
    assert not [m for m in rendered if m["kind"] == "ConfigMap" and m["metadata"]["name"] == "fakecloud-login"]
    assert "login" not in {v["name"] for v in dict(pods(rendered))["StatefulSet/fakecloud"]["volumes"]}


@pytest.mark.parametrize(
    ("login", "said"),
    [
        ({"certificates": "-----BEGIN PRIVATE KEY-----"}, "/login/certificates"),
        ({"certificates": LOGIN["certificates"] + "-----BEGIN PRIVATE KEY-----"}, "/login/certificates"),
        ({"federatedIdentities": [{"issuer": "https://one.example"}]}, "subject"),
        ({"federatedIdentities": [{"issuer": "http://one.example", "subject": "x"}]}, "issuer"),
        ({"federatedKeys": "/a/path"}, "/login/federatedKeys"),
    ],
)
def test_logins_that_are_refused(login: Manifest, said: str) -> None:
    assert said in refusal(FAKECLOUD, {"login": login})


def test_probes_ask_over_tls() -> None:
    found = server()
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert found[probe]["httpGet"] == {"path": "/healthz", "port": "https", "scheme": "HTTPS"}


@pytest.mark.parametrize(("port", "expected"), [(53, 53), (5300, 5300), (0, None)])
def test_dns_answers_on_the_node_if_asked_to(port: int, expected: int | None) -> None:
    ports = {p["name"]: p for p in server({"dns": {"hostPort": port}})["ports"]}
    assert [(ports[n]["containerPort"], ports[n].get("hostPort")) for n in ("dns", "dns-tcp")] == [(5353, expected)] * 2
    assert [ports[n]["protocol"] for n in ("dns", "dns-tcp")] == ["UDP", "TCP"]
    assert "hostPort" not in ports["https"]


def test_the_service_leads_to_the_server_only() -> None:
    rendered = render(FAKECLOUD)
    service = one(rendered, "Service", "fakecloud")["spec"]
    labels = one(rendered, "StatefulSet", "fakecloud")["spec"]["template"]["metadata"]["labels"]
    agents = one(rendered, "DaemonSet", "fakecloud-agent")["spec"]["template"]["metadata"]["labels"]
    assert service["selector"].items() <= labels.items()
    assert not service["selector"].items() <= agents.items()
    assert {(p["port"], p["protocol"], p["targetPort"]) for p in service["ports"]} == {
        (443, "TCP", "https"),
        (53, "UDP", "dns"),
        (53, "TCP", "dns-tcp"),
    }


def test_its_state_is_on_a_volume_that_goes_with_it() -> None:
    stateful = one(
        render(FAKECLOUD, {"persistence": {"storageClass": "fast", "size": "2Gi"}}), "StatefulSet", "fakecloud"
    )
    (claim,) = stateful["spec"]["volumeClaimTemplates"]
    assert claim["spec"]["storageClassName"] == "fast"
    assert claim["spec"]["resources"]["requests"]["storage"] == "2Gi"
    assert stateful["spec"]["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Delete", "whenScaled": "Retain"}
    mounted = {m["name"]: m["mountPath"] for m in server()["volumeMounts"]}
    assert mounted["state"] == "/var/lib/fakecloud"
    without = one(render(FAKECLOUD, {"persistence": {"enabled": False}}), "StatefulSet", "fakecloud")["spec"]
    assert "volumeClaimTemplates" not in without
    assert {"name": "state", "emptyDir": {}} in without["template"]["spec"]["volumes"]


def test_the_agent_is_on_every_node_and_works_there() -> None:
    pod = dict(pods(render(FAKECLOUD)))["DaemonSet/fakecloud-agent"]
    (agent,) = containers(pod)
    assert pod["tolerations"] == [{"operator": "Exists"}]
    assert "nodeSelector" not in pod
    assert pod["hostNetwork"] is True
    assert pod["dnsPolicy"] == "ClusterFirstWithHostNet", "it looks up the server's name"
    assert [agent["command"], agent["args"]] == [
        ["fakecloud"],
        [
            "agent",
            f"--server=https://fakecloud.{NAMESPACE}.svc",
            "--ca-file=/etc/fakecloud/ca.crt",
            "--token-file=/etc/fakecloud/token",
            "--node=$(NODE_NAME)",
        ],
    ]
    volumes = {v["name"]: v for v in pod["volumes"]}
    assert volumes["netns"]["hostPath"] == {"path": "/run/netns", "type": "DirectoryOrCreate"}
    assert volumes["access"]["secret"] == {"secretName": "fakecloud-agent"}
    assert {"name": "netns", "mountPath": "/run/netns", "mountPropagation": "Bidirectional"} in agent["volumeMounts"]
    assert not [m for m in render(FAKECLOUD, {"agent": {"enabled": False}}) if m["kind"] == "DaemonSet"]


def test_names_agree_between_the_charts() -> None:
    """What the account names, the server publishes; what the server publishes, it may write."""
    rendered = everything()
    account = one(rendered, "CloudAccount", "default")["spec"]
    may = one(rendered, "Role", "fakecloud")["rules"]
    writable = {name for rule in may for name in rule.get("resourceNames", ()) if rule["resources"] == ["secrets"]}
    assert account["endpoints"]["certificateAuthority"]["secretRef"]["name"] in writable
    assert account["credential"]["clientSecretRef"]["name"] in writable
    agent = dict(pods(rendered))["DaemonSet/fakecloud-agent"]
    assert {v["secret"]["secretName"] for v in agent["volumes"] if "secret" in v} <= writable
    hostname = re.search(r"--hostname=(\S+)", " ".join(server()["args"]))
    assert hostname is not None
    assert account["endpoints"]["resourceManager"] == f"https://{hostname[1]}"
