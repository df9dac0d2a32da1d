"""What a cloud does with packets and names: rules judged, balancers that forward, zones that answer."""
