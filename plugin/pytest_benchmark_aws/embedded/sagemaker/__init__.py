"""SageMaker training jobs as embedded AWS answers and runs them."""
