"""For tests of Wherry and of what is built on it: fakes, and the contracts that drivers must keep."""
