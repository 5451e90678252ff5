"""The service: exact densities of tables over HTTP.

The path of a request, `POST /score` say:

1. `main` made the application, once: settings in, routes and error handlers wired, models loaded
   by `registry`, worker processes started by `workers.supervisor`.
2. `api.score` takes the request; `api.negotiation` checks its type and what the client accepts
   (415, 406), `api.bodies` reads the body and stops at the limit (413).
3. The format of the body, `codecs.json` say, turns bytes into a document (400), `schemas` checks
   its options (422), `registry` finds the model (404, 503), and the rows become a `pyarrow.Table` of
   the columns the model knows, which its schema encodes into one array (422, naming row and
   column). A large body is decoded in a thread, so that the event loop never stands still.
4. `jobs.ScoreJob` holds the array, and all else that the result depends on. A large request is
   several jobs, each a chunk of its rows.
5. `batching` admits the request (429) and sends each job to a worker process as soon as one has
   room; there `workers.computing` merges it with what waits beside it. `workers.execute` is a pure
   function of job and model, and returns a `jobs.ScoreResult`: arrays again.
6. The joined results become one of `codecs.answers`, and the format that the client accepts writes
   it as bytes.

Whatever goes wrong on the way is one of `errors` and is answered by `api.problems` as
`application/problem+json`.

Arrows point down:
`cli > main > api > batching > workers > registry > schemas, codecs > jobs, errors`,
and from everywhere to `models`, never back.
"""

__all__: list[str] = []
