"""What the steps of a ticket's life state, one module each: registration, warranty, plan, consent, delivery, ...

A module defines `PREDICATES`: its models by kind, e.g. `warranty/v1`. Found by name, so that a new kind of record
touches no other file. What people call a kind is in `reports.vocabulary`. Stands on `reports.predicates`; knows no
store.
"""
