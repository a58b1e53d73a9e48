"""`python -m wherry` is the `wherry` command."""

from wherry.cli.main import main

main()
