"""Encryption at rest: what an `EncryptionConfiguration` says is on disk only as ciphertext, under upstream's prefixes."""
