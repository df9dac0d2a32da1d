"""Microsoft.Network: networks, security groups, addresses, balancers."""
