"""A pytest-benchmark plugin whose tests name the AWS instance types they are for."""
