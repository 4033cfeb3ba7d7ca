"""Services that embedded AWS answers itself, or more strictly than moto."""
