"""Pure: specs and what they refer to, as ARM bodies and Kubernetes objects."""
