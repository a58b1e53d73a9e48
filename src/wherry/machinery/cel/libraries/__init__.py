"""The functions that expressions can call, one file per library. `wherry.machinery.cel.kubernetes` puts them together."""
