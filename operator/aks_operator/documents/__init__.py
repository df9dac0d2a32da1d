"""ARM resources that several objects share: one writer each."""
