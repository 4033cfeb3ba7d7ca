"""What runs on the instance. Standard library only; ``agent`` also runs on Python 3.9, Amazon Linux 2023's own."""
