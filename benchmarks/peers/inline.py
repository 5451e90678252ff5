"""The bare endpoint: FastAPI and uvicorn, the model called inline, one request at a time.

    python inline.py CHECKPOINT PORT

The same libraries as the service's, orjson and uvloop included, and none of its checks.
"""

import sys

import orjson
import uvicorn
from fastapi import FastAPI, Request, Response

from benchmarks.peers.scorer import Scorer

__all__ = ["main"]


def main() -> None:
    """Serve one model."""
    scorer = Scorer(sys.argv[1])
    app = FastAPI()

    @app.post("/score")
    async def score(request: Request) -> Response:
        asked = orjson.loads(await request.body())
        log_likelihood, anomaly_score = scorer.score(asked["rows"])
        answer = {"log_likelihood": log_likelihood, "anomaly_score": anomaly_score}
        return Response(orjson.dumps(answer), media_type="application/json")

    uvicorn.run(app, port=int(sys.argv[2]), log_level="warning")


if __name__ == "__main__":
    main()
