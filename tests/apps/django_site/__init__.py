"""The site in Django: a small project, with its ASGI and its WSGI application."""
