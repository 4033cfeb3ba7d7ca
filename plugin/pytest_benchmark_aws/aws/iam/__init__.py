"""What a caller, an instance and a training job may do: policies and roles."""
