"""Bringing objects to what files say, as `kubectl apply` does: `three_way` decides, `client_side` and `server_side` act."""
