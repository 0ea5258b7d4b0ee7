"""One screen a module, with its stylesheet beside it; loaded when it is first opened."""
