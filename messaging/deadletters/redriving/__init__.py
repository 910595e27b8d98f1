"""Redrive runs: many letters sent again as one, with a dry run, a canary and a rate. `services` is what people do with them.

A run is driven by messages of the platform, one per step, so that it survives whatever dies: the step's work, its "done" and the
next step's message are one commit. A step is bounded, however many letters the run has.
"""
