"""Clerks: warm child processes that answer what needs kernels, engines and tables, so that the service needs none of them."""
