"""The data plane: the three questions for any transport, from a call to an answer, without HTTP."""

from madeira.app.plane.call import Call
from madeira.app.plane.memory import MemoryLimit, RequestMemory
from madeira.app.plane.plane import DataPlane
from madeira.app.plane.telemetry import EngineMetrics

__all__ = ["Call", "DataPlane", "EngineMetrics", "MemoryLimit", "RequestMemory"]
