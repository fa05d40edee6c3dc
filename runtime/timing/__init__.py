"""How long a program may take, before it runs: worst paths, and whether its tasks fit."""
