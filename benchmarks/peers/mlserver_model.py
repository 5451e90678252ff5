"""The model for MLServer, loaded by its own command from `.bench/mlserver`.

A request brings a row as JSON text in an input of bytes, so that adaptive batching can put
requests together, and the batch is read as one table.
"""

import json

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse

from benchmarks.peers.scorer import Scorer

__all__ = ["DensityModel"]


class DensityModel(MLModel):  # type: ignore[misc]
    """Scores a batch of rows."""

    async def load(self) -> bool:
        """Load the model; called once in each worker."""
        self._scorer = Scorer(self.settings.parameters.uri)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Both numbers of each row."""
        rows = [json.loads(text) for text in StringCodec.decode_input(payload.inputs[0])]
        log_likelihood, anomaly_score = self._scorer.score(rows)
        outputs = {"log_likelihood": log_likelihood, "anomaly_score": anomaly_score}
        return InferenceResponse(
            model_name=self.name,
            outputs=[
                NumpyCodec.encode_output(name, np.asarray(values).reshape(-1, 1))
                for name, values in outputs.items()
            ],
        )
