"""One folder a resource provider."""
