"""SageMaker's training jobs as a place where jobs run."""
