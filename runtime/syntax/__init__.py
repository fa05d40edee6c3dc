"""From ST text to tokens, and from tokens to a tree that says only what the text says."""
