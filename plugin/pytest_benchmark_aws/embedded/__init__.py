"""Embedded AWS: moto's server with the EC2 semantics that moto lacks; launched instances are local processes."""
