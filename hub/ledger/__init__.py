"""The ledger 账: tables of acceptance, exchange and delivery, and the committer that writes them with their log entry."""
