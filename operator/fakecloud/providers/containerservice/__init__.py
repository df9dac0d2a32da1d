"""Microsoft.ContainerService: managed clusters, their pools and machines."""
