"""The chip's circuits, one a file; installed as brian2dynapse.equations."""
