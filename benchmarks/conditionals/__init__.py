"""What the benchmark of conditionals is made of: one file a measure, boosted trees, the report."""
