"""The reference interpreter: the same model and the same bytes as compiled code, slow and plain."""
