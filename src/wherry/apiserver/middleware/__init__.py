"""What every request passes before its handler: plain functions from stage to stage, composed once."""
