"""The custom resources: models, and the CRDs made of them."""
