"""What a session reports of tests that ran on instances."""
