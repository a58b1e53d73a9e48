"""What an object is: kinds by group and version, defaults, validation, conversion, errors. Pure functions over data."""
