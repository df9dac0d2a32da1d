from fakecloud.compute.port import CapacityError


def test_capacity_error_says_how_many_machines_are_free() -> None:
    error = CapacityError(2)
    assert error.free == 2
    assert "2 machines are free" in str(error)
