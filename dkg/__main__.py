"""``python -m dkg`` is the ``dkg`` command."""

from dkg.cli import app

app(prog_name="dkg")
