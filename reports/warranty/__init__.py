"""三包 for mobile phones: what is due on a day, for a phone and its accessories, with the arithmetic and its sources.

The figures stand in `rules.toml` (`rules` reads them, with what a shop or a brand adds), time is counted in `days`,
what is due and what is paid back is said by `decide`, the fault table is looked up by `faults`, and an exchange's
conditions by `exchange`. Pure: it stands on the calendar and on the fault table of diagnosis, and knows no ticket and
no screen.
"""
