"""EC2 instances as a place where jobs run."""
