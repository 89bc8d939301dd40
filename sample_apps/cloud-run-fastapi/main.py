"""An ASGI app that the builder starts with uvicorn, since it is declared."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/")
def index():
    return {"message": "Hello from Cloud Run"}
