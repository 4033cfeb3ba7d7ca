"""What a person reads: tables, beside pytest-benchmark's own."""
