"""The station: sessions, people, engine, command line and screen."""

#: The version of Assay. It stands here because reading it from the installed metadata doubles the time of `--version`.
__version__ = "0.1.0"
