"""Spark finds data sources in packages of names like this one: nothing has to be registered."""

from sluice_kernel.datasource import SluiceDataSource as DefaultSource

__all__ = ["DefaultSource"]
