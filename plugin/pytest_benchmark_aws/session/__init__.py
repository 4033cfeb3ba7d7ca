"""What a pytest session does: the only place that knows pytest's and pytest-benchmark's objects."""
