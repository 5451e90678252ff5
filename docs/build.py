"""Makes what in the documents is made from the code: `python -m docs.build`, or `make docs`.

- `docs/settings.md`: the table of settings
- `docs/openapi.json`: the description of the service
- `docs/images/digits.png`: the picture of the README, drawn from the bundled model
"""

import json
import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pyarrow as pa

from checkpoints.tables import PIXELS, digits
from madeira.app.main import create_app
from madeira.app.settings import Settings, settings_table
from madeira.models import DensityEstimator
from madeira.models.arrays import Float64

__all__ = ["digits_picture", "main", "openapi_document", "settings_document"]

DOCS = Path(__file__).parent
CHECKPOINT = DOCS.parent / "checkpoints" / "digits" / "1"

EXAMPLES = 10
COMPLETIONS = 5
GAP = 1


def settings_document() -> str:
    """`settings.md` with its table renewed and the words around it kept."""
    before = (DOCS / "settings.md").read_text()
    return re.sub(r"(?:^\|.*\n)+", lambda _: settings_table(), before, count=1, flags=re.M)


def openapi_document() -> str:
    """Return the description of the service, as `GET /openapi.json` answers it."""
    return json.dumps(create_app(Settings()).framework.openapi(), indent=1) + "\n"


def digits_picture() -> Float64:
    """Digits whose lower half is imputed: grey levels, shape `(height, width)`.

    Each column of images is one digit: as it is, what the model is given of it, and draws of the
    whole given that.
    """
    table = digits()
    rows = [table["digit"].to_pylist().index(digit) for digit in range(EXAMPLES)]
    chosen = table.take(rows)
    upper = {
        name: chosen[name] if int(name[1]) < 4 else pa.nulls(EXAMPLES, pa.uint8())
        for name in PIXELS
    }
    estimator = DensityEstimator.load(CHECKPOINT)
    draws = estimator.impute(pa.table(upper), draws=COMPLETIONS, seed=4)
    lines = [_line(pa.table(chosen)), _line(pa.table(upper)), *map(_line, draws)]
    blank = np.full((GAP, lines[0].shape[1]), 0.5)
    return np.vstack([part for line in lines for part in (line, blank)][:-1])


def _line(table: pa.Table) -> Float64:
    """Images side by side, one a row of the table; what is missing is grey."""
    columns = [np.array(table[name].to_numpy(), dtype=np.float64) for name in PIXELS]
    images = np.nan_to_num(np.stack(columns, axis=1), nan=0.35).reshape(-1, 8, 8)
    gap = np.full((8, GAP), 0.5)
    return np.hstack([part for image in images for part in (image, gap)][:-1])


def main() -> None:
    """Write all of them."""
    from matplotlib import image

    mpl.use("Agg")
    (DOCS / "settings.md").write_text(settings_document())
    (DOCS / "openapi.json").write_text(openapi_document())
    (DOCS / "images").mkdir(exist_ok=True)
    pixels = np.kron(1 - digits_picture(), np.ones((6, 6)))
    image.imsave(DOCS / "images" / "digits.png", pixels, cmap="gray", vmin=0, vmax=1)


if __name__ == "__main__":
    main()
