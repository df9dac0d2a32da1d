"""Microsoft.Network/dnsZones: zones and record sets."""
