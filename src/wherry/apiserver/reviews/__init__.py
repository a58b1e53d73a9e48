"""Questions that are answered and not stored: who am I, may I, is this token good."""
