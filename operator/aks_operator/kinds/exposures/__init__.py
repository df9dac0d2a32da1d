"""The parts of a ServiceExposure: what its type needs, where that lives, what is asked of it, how it stands."""
