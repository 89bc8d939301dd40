"""What App Engine serves by default: the attribute app of the module main, with gunicorn."""

import os

from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    return os.environ["GREETING"]
