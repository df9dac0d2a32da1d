"""Metrics, in Prometheus' words. One registry of our own, so that tests and standbys start from nothing."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector


class Metrics:
    """The operator's counters and gauges."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.arm_requests = Counter(
            "aks_operator_arm_requests",
            "Requests to Azure Resource Manager.",
            ["type", "verb", "code"],
            registry=self.registry,
        )
        self.status_patches = Counter(
            "aks_operator_status_patches", "Status patches written.", ["kind"], registry=self.registry
        )
        self.reconcile_seconds = Histogram(
            "aks_operator_reconcile_seconds",
            "Duration of one reconcile.",
            ["kind"],
            buckets=(0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0),
            registry=self.registry,
        )
        self.reconcile_errors = Counter(
            "aks_operator_reconcile_errors",
            "Reconciles that ended in an unexpected error.",
            ["kind"],
            registry=self.registry,
        )
        self.queue_depth = Gauge("aks_operator_queue_depth", "Keys that wait for a worker.", registry=self.registry)
        self.objects = Gauge(
            "aks_operator_objects", "Custom resources known.", ["kind", "ready"], registry=self.registry
        )
        self.stalled = Gauge(
            "aks_operator_stalled_objects",
            "Custom resources that need somebody: those with the condition Stalled.",
            ["kind", "reason"],
            registry=self.registry,
        )
        self.observed = Gauge(
            "aks_operator_observed_timestamp_seconds",
            "When an account's cloud last answered a read (Unix time).",
            ["account"],
            registry=self.registry,
        )
        self.throttled = Gauge(
            "aks_operator_throttled_seconds",
            "For how long an account's cloud still wants no requests.",
            ["account"],
            registry=self.registry,
        )
        self.remaining = Gauge(
            "aks_operator_arm_requests_remaining",
            "Requests that an account's cloud last said remain.",
            ["account", "kind"],
            registry=self.registry,
        )
        self.leader = Gauge("aks_operator_leader", "1 while this process holds the Lease.", registry=self.registry)
        self.watch_lag = Gauge(
            "aks_operator_watch_lag_seconds",
            "For how long the oldest write of ours has not come back through a watch.",
            registry=self.registry,
        )
