# KEL itself: bridge, worker, desk and every command. .dockerignore lets in what this needs.
FROM python:3.12-slim-bookworm AS build
WORKDIR /src
COPY requirements/lock.txt requirements/
# Wheels only: building one would fetch build tools that no hash vouches for.
RUN python -m venv /opt/kel \
    && /opt/kel/bin/pip install --no-cache-dir --disable-pip-version-check \
        --require-hashes --only-binary :all: --requirement requirements/lock.txt
COPY . .
RUN /opt/kel/bin/pip install --no-cache-dir --disable-pip-version-check \
        --no-deps --no-build-isolation .

FROM python:3.12-slim-bookworm
# Pango and Greek letters, for the weekly page as PDF
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core fonts-noto-core \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --home-dir /var/lib/kel --create-home kel \
    && install --directory --owner kel --group kel /var/lib/kel/reports
COPY --from=build /opt/kel /opt/kel
ENV PATH=/opt/kel/bin:$PATH PYTHONUNBUFFERED=1
USER kel
WORKDIR /var/lib/kel
ENTRYPOINT ["kel"]
CMD ["--help"]
