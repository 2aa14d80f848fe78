"""Processes in which users' methods run, so that they cannot change the values of others."""
