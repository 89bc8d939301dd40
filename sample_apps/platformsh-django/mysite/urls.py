from django.http import HttpResponse
from django.urls import path

from notes.models import Note


def index(request):
    return HttpResponse(f"{Note.objects.count()} notes")


urlpatterns = [path("", index)]
