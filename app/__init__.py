"""The service: exact densities of tables over HTTP.

The path of a request, `POST /score` say:

1. `main` made the application, once: settings in, routes and error handlers wired, models loaded
   by `registry`, worker processes started by `processes.supervisor`.
2. `http` counts and limits requests and takes them to `api.score`. `http.body` checks what the
   client sends and accepts (415, 406), reads the body up to the limit (413), and hands it over as a
   call of `plane`, which knows nothing of HTTP.
3. `plane.score` reads the call. The format of the body, `codecs.json` say, makes a document of the
   bytes (400), `schemas` checks its options (422), `registry` finds the model (404, 503). The rows
   become a `pyarrow.Table` of the columns the model knows, which its schema encodes into one array
   (422, naming row and column). A large body is decoded in a thread, so that the event loop never
   stands still.
4. The array is the `Work` of the request. `engine` admits it (429) and cuts it: each
   `jobs.ScoreJob` holds a chunk of rows, and all else that the result depends on.
5. `engine` sends a job to a worker process as soon as one has room; there `workers.batcher`
   merges it with what waits beside it. `workers.execute` is a pure function of job and model, and
   returns a `jobs.ScoreResult`: arrays again.
6. `plane.score` makes one of `codecs.answers` of the joined results, and the format that the client
   accepts writes it as bytes.

Every error on the way is one of `errors`; `http.problems` answers it as
`application/problem+json`.

Arrows point down:
`cli > server > main > api > http > plane > engine > processes > ipc > registry > schemas, codecs >
jobs, errors`,
and from everywhere to `models`, never back. `workers` is a process of its own, which `processes`
starts by name and nothing imports; it takes from `ipc` and below.
"""

__all__: list[str] = []
