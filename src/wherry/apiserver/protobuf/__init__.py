"""Reading request bodies in the protocol buffer form, which kubectl's typed commands send; answers are always JSON.

`fields` says which number is which field, the schema says of what type it is, `decode` puts both together. Kinds whose
fields are not listed are answered with 415, as a server without the form would.
"""
