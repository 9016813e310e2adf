"""Rules on figures of the ledger: a round a minute over what the API answers, too."""
