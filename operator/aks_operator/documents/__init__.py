"""ARM resources that several objects share: one writer each, computed from all who share it."""
