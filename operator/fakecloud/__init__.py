"""An Azure on your desk: an ARM-compatible server whose balancers forward, whose rules drop, whose zones answer."""
