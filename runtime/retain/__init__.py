"""Values that outlive a stop: their layout, the store on disk, migration to another layout."""
