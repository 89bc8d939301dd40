"""A CloudEvent function: it takes what Cloud Storage tells about a new file."""

import functions_framework


@functions_framework.cloud_event
def on_upload(cloud_event):
    data = cloud_event.data
    print(f"{cloud_event['type']}: gs://{data['bucket']}/{data['name']}")
