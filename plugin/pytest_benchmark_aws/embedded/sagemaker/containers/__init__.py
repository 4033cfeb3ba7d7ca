"""The containers of a training job: what goes in and out of them, with the rights of its execution role."""
