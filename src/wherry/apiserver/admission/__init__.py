"""Admission: plugins that may change or refuse what is about to be written. One plugin per file; `chain` is the order."""
