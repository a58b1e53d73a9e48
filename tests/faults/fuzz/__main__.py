"""`python -m tests.faults.fuzz --seconds 300`: each decoder and the API in turn, round after round, with new inputs."""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys
import time

from tests.faults.fuzz.decoders import DECODERS
from tests.faults.fuzz.running import Broken, Memory, feed_decoder, feed_server


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300, help="how long to look")
    parser.add_argument("--seed", default=str(random.randrange(1 << 30)), help="of an earlier run, to do it again")
    parser.add_argument("--only", choices=["http", *DECODERS], help="feed only this one")
    options = parser.parse_args()
    logging.getLogger().addHandler(logging.NullHandler())
    print(f"seed {options.seed}", flush=True)
    end, memory, counts, turn = time.monotonic() + options.seconds, Memory(), dict[str, int](), 0
    try:
        while time.monotonic() < end:
            for name in [options.only] if options.only else ["http", *DECODERS]:
                # The API has as much to be found in as all decoders together.
                seconds = max(0.05, min((10.0 if name == "http" else 0.5), end - time.monotonic()))
                seed = f"{options.seed}-{turn}"
                fed = (
                    asyncio.run(feed_server(seed, seconds=seconds))
                    if name == "http"
                    else feed_decoder(name, seed, seconds=seconds)
                )
                counts[name] = counts.get(name, 0) + fed
            memory.check()
            turn += 1
    except Broken as broken:
        print(broken, file=sys.stderr)
        return 1
    print(", ".join(f"{name} {count}" for name, count in counts.items()))
    print(f"memory after each round: {[size >> 20 for size in memory.measured]} MB")
    return 0


sys.exit(main())
