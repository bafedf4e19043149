"""Kafka change events in JSON to Arrow, by the WebAssembly kernel of Sluice."""

from .bundle import Bundle, BundleError
from .kernel import QUARANTINE_SCHEMA, Kernel, KernelError, Parsed

__all__ = ["QUARANTINE_SCHEMA", "Bundle", "BundleError", "Kernel", "KernelError", "Parsed"]
