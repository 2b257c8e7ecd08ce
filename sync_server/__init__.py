"""The sync server: keeps each phone to the customers that its user may see."""
