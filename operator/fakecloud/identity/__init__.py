"""An Entra-like token service."""
