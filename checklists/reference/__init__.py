"""What known-good phones of a model measure: the statistics, the policy, and the table that a run is judged with."""
