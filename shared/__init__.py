"""What app and server agree on: entities, rules, wire messages. No I/O; runs on both sides."""
