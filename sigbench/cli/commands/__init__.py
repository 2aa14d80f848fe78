"""The commands of the command line, one module each: its arguments, and what it calls.

Nothing heavy is imported until a command runs.
"""
