"""Server roles towards other masters and clients: one module each."""
