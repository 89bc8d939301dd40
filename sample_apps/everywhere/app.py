"""The app that Heroku and Platform.sh serve with gunicorn."""

from flask import Flask

from greeting import greeting

app = Flask(__name__)


@app.get("/")
def index():
    return greeting("gunicorn")
