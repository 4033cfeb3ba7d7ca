"""The commands of ``pytest-benchmark-aws``, a module each."""
