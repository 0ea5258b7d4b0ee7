"""The station: sessions, people, engine, command line and screen."""
