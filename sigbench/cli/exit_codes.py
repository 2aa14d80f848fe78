"""The exit codes of the command line."""

SUCCESS = 0
FAILED = 1  # a cell or a method failed, or a floor is broken
INVALID = 2  # the call or a file is invalid
INTERRUPTED = 128  # plus the number of the signal
