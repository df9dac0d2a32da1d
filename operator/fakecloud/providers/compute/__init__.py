"""Microsoft.Compute: what clusters have of it, and how much of it there is."""
