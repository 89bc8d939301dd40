"""A small shop window, served by gunicorn."""

from flask import Flask, jsonify

app = Flask(__name__)


@app.get("/")
def index():
    return "<h1>Hello from Flask</h1>"


@app.get("/api/items")
def items():
    return jsonify(items=["tea", "coffee"])
