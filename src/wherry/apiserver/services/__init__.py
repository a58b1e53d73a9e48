"""Cluster addresses and node ports: who has which, and handing out new ones."""
