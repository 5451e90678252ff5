"""What the benchmark of planted errors is made of: the errors, the detectors, the report."""
