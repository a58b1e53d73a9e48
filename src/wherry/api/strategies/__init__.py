"""What single kinds do on create and update, besides the rules that `wherry.api.strategy` has for all."""
