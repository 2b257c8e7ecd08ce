"""What people see and touch: screens, components, state and texts. Talks to use cases only."""
