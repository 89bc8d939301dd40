"""Needs a variable that nobody sets."""

import os

from flask import Flask

app = Flask(__name__)
app.secret_key = os.environ["SHOP_SECRET_KEY"]


@app.get("/")
def index():
    return "open"
