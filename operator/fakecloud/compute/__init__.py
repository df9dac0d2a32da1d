"""What stands behind a managed cluster: nothing (`none`) or the kind cluster's workers (`host`)."""
