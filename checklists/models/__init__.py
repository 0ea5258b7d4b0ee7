"""What makers publish of their models: the cards, and what a phone's measurements are compared with by them."""
