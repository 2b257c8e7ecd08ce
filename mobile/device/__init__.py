"""The phone's senses behind ports: position, images, connectivity."""
