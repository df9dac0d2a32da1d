"""The gateway: what every ARM type has in common."""
