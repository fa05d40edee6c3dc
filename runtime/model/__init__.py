"""The typed model: every name resolved, every conversion explicit, every variable at its offset."""
