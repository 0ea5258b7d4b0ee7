"""Records: signed statements, the ledger they are chained in, and head office that receives them."""
