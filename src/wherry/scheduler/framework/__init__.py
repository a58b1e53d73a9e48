"""The scheduling framework: what plugins are told, what they may answer, and in which order they are asked."""
