"""Store-and-forward: durable queues between the flow and the uplinks."""
