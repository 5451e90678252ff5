"""LitServe: run as a script by the Python of `.bench/serving`.

    python serving.py CHECKPOINT PORT '{"max_batch_size": 64, "batch_timeout": 0.005, ...}'

One row a request, batches of them to the model; the JSON contract of the service.
"""

import json
import sys
from typing import Any

import litserve

from benchmarks.peers.scorer import Scorer

__all__ = ["DensityAPI", "main"]

Answer = tuple[float, float]


class DensityAPI(litserve.LitAPI):  # type: ignore[misc]
    """Scores the row of each request."""

    def setup(self, device: str) -> None:
        """Load the model; called once in each worker."""
        self.scorer = Scorer(sys.argv[1])

    def decode_request(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the row of a request."""
        row: dict[str, Any] = request["rows"][0]
        return row

    def batch(self, inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Rows need not be stacked."""
        return inputs

    def predict(self, rows: list[dict[str, Any]]) -> list[Answer]:
        """Both numbers of each row of a batch."""
        return list(zip(*self.scorer.score(rows), strict=True))

    def unbatch(self, output: list[Answer]) -> list[Answer]:
        """One answer a request."""
        return output

    def encode_response(self, output: Answer) -> dict[str, list[float]]:
        """Return the answer as JSON."""
        return {"log_likelihood": [output[0]], "anomaly_score": [output[1]]}


def main() -> None:
    """Serve one model, set as told."""
    options = json.loads(sys.argv[3])
    api_servers = options.pop("api_servers")
    batching = {name: options.pop(name) for name in ("max_batch_size", "batch_timeout")}
    api = DensityAPI(api_path="/score", **batching)
    server = litserve.LitServer(api, accelerator="cpu", track_requests=False, **options)
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[2]),
        num_api_servers=api_servers,
        log_level="warning",
        generate_client_file=False,
    )


if __name__ == "__main__":
    main()
