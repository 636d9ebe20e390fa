"""The service: HTTP over the pipeline, and nothing else. FastAPI is imported only here. Empty until the service is built."""
