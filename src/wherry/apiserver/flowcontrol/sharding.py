"""Shuffle sharding: each flow may use a few queues, so that few flows share all of theirs. Pure.

Source: k8s.io/apiserver/pkg/util/shufflesharding, KEP-1040.
"""

from __future__ import annotations

from hashlib import sha256


def flow_hash(schema: str, distinguisher: str) -> int:
    """64 bits that are the same for the same flow everywhere."""
    digest = sha256(f"{len(schema)},{schema}{len(distinguisher)},{distinguisher}".encode()).digest()
    return int.from_bytes(digest[:8], "little")


def hand(value: int, queues: int, size: int) -> list[int]:
    """`size` different numbers below `queues`, dealt from the hash as from a deck that gets smaller."""
    drawn: list[int] = []
    for left in range(queues, queues - size, -1):
        value, card = divmod(value, left)
        # The card counts among those that are left: step over those drawn before.
        for earlier in sorted(drawn):
            if earlier <= card:
                card += 1
        drawn.append(card)
    return drawn
