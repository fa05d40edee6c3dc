"""Samples on their way to the cloud: filters, batches, outbox, uplinks."""
