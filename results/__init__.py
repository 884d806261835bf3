"""What came out: records, store, statistics over runs, tables."""
