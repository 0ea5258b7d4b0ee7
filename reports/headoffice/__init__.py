"""Head office: verifies records, stores them once, answers with signed receipts."""
