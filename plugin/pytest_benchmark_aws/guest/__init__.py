"""What runs on the instance: standard library only; the agent also runs on Python 3.9, Amazon Linux 2023's own."""
