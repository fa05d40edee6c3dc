"""`takt doctor`: what of this host costs punctuality, how much, and how to mend it."""
