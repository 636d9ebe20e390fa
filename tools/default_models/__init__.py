"""The default models, made from labelled data by one command: python -m tools.default_models --data DATA --out FOLDER."""
