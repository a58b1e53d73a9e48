"""Priority and fairness: who may work now, who waits, who is sent away. Read `stage`, then `queues`."""
