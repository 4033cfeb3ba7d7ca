"""EC2 as embedded AWS answers it."""
