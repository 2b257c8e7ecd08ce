"""What people do, one function each: row and outbox entry in one transaction."""
