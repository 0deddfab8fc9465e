"""Evidence: one file for each party that proves one exchange, verifiable offline."""
