"""Contenders, each a module that is run in a process of its own, with its task on the command line."""
