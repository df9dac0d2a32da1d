"""What holds for all tests."""

from hypothesis import settings

settings.register_profile(
    "shared", deadline=None
)  # machines that run tests are shared: how long one takes says nothing
settings.load_profile("shared")
