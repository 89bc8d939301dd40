"""A page behind a Unix socket."""

from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    return "Hello from Platform.sh"
