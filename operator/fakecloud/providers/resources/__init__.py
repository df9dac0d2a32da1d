"""Microsoft.Resources: groups and what lies in them."""
