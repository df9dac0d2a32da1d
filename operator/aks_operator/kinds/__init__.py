"""One reconcile for each kind of custom resource."""
