"""What tests and agents ask of the fake itself, below /_fakecloud/."""
