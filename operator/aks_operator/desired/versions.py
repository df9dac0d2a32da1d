"""Kubernetes versions: what to ask for next. Control plane first, one minor at a time."""

from aks_operator.outcome import Hold


def next_version(wanted: str, observed: str | None, *, floor: bool = False) -> str:
    """The version to ask Azure for now; `observed` is what runs ("1.36.2"), None before creation.

    `wanted` is a minor ("1.36": any patch of it will do) or a full version; with `floor` (automatic upgrades) a newer
    one will do too. Never more than one minor up. Raises Hold (Invalid) for a way down, which AKS does not go.
    """
    if observed is None:
        return wanted
    want, have = parts(wanted), parts(observed)
    if same_version(wanted, observed) or (floor and have > want):
        return observed
    if want[: len(have)] < have[: len(want)]:
        raise Hold(
            "Invalid",
            f"kubernetesVersion {wanted} is older than {observed}, which runs: AKS cannot go back. Set {observed} or newer",
        )
    if want[1] > have[1] + 1:
        return f"{have[0]}.{have[1] + 1}"
    return wanted


def newer_minor(version: str, other: str) -> bool:
    """Whether `version` is of a later minor than `other`."""
    return parts(version)[:2] > parts(other)[:2]


def same_version(wanted: str, observed: str) -> bool:
    """Whether what runs is what is wanted: a wanted minor is satisfied by every patch of it."""
    want = parts(wanted)
    return parts(observed)[: len(want)] == want


def parts(version: str) -> tuple[int, ...]:
    """("1.36.2" → (1, 36, 2)); raises ValueError."""
    return tuple(int(part) for part in version.removeprefix("v").split("."))
