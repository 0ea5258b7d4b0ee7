"""The terminal screen; it follows the engine and holds no truth of its own."""
