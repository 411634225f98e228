"""Whether a caller may do what it asks for; MiniStack lets everyone do everything."""
