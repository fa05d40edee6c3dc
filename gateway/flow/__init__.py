"""Pure functions between the field and the image: words, changes, authority over outputs."""
