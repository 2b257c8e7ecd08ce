"""Tables made from the entities, the feed, and migrations."""
