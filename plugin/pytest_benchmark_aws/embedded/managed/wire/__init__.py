"""How requests and answers of managed services are written: JSON, REST with JSON, CBOR."""
