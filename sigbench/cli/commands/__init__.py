"""The commands, one module each: `add_arguments` declares its options, `call` runs it.

Nothing heavy is imported until a command runs.
"""
