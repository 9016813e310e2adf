"""Files of readings: read, checked, compared with the ledger, published."""
