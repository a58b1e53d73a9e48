"""KubeSchedulerConfiguration v1: how the scheduler's file becomes profiles, plugins and their arguments.

fields.py       which fields there are, so that misspelt ones are refused
reading.py      from text to `SchedulerConfig`, with defaults
model.py        what comes out
validation.py   what is wrong with a file, in upstream's words
plugin_args.py  the same for the arguments of plugins
plugin_sets.py  which plugin takes part at which point
profiles.py     from a profile to a framework of plugins
"""
