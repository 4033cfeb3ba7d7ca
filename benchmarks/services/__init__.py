"""AWS's managed services as benchmarks: one request each, with input that is made here."""
