"""Networks: security groups, and whether a subnet has a way to S3."""
