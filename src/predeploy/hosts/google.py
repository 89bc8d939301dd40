"""What Google's products share that build Python: Functions, Firebase, Cloud Run, App Engine."""

from predeploy.hosts import google_indexes, google_manifest, google_python, google_steps

__all__ = ["google_indexes", "google_manifest", "google_python", "google_steps"]
