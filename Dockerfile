FROM python:3.12-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends g++ && rm -rf /var/lib/apt/lists/*
RUN pip install --no-cache-dir uv
WORKDIR /opt/winnow
COPY pyproject.toml uv.lock README.md LICENSE ./
COPY api api
COPY pipeline pipeline
COPY recipes recipes
COPY scorers scorers
COPY winnow winnow
# compiled for the machine it is built on: build on the CPU family it will run on
RUN uv sync --frozen --no-dev --extra s3 --no-editable
RUN WINNOW_MODELS=/opt/winnow/models .venv/bin/winnow models pull lid.176

FROM python:3.12-slim-bookworm
COPY --from=build /opt/winnow /opt/winnow
ENV PATH=/opt/winnow/.venv/bin:$PATH
RUN useradd --uid 10001 --create-home winnow && mkdir /data /state && chown winnow /data /state
USER 10001
WORKDIR /data
CMD ["winnow", "doctor"]
