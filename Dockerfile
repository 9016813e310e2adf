# Wattline with its page. Build: docker compose build. Nothing here names a package registry: where packages come
# from is the builder's affair (PIP_INDEX_URL and NPM_CONFIG_REGISTRY may be given as build arguments).

FROM node:22.20.0-bookworm-slim AS page
ARG NPM_CONFIG_REGISTRY
WORKDIR /page
COPY web/package.json web/package-lock.json web/.npmrc* ./
RUN npm ci --no-audit --no-fund
COPY web/ ./
RUN npm run build

FROM python:3.12.12-slim-bookworm AS packages
ARG PIP_INDEX_URL
COPY requirements/run.txt /
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --no-compile --require-hashes --only-binary :all: -r /run.txt \
 && /venv/bin/pip uninstall --yes pip \
 && python -m compileall -q -j 0 /venv/lib

FROM python:3.12.12-slim-bookworm
# A user without a shell or a home, whose number no other image here uses. It owns the state and nothing else.
RUN groupadd --gid 10001 wattline \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin wattline \
 && install --directory --owner wattline --group wattline --mode 0750 /var/lib/wattline

COPY --from=packages /venv /venv
WORKDIR /app
COPY core/ core/
COPY ingest/ ingest/
COPY storage/ storage/
COPY analytics/ analytics/
COPY notify/ notify/
COPY api/ api/
COPY simulators/ simulators/
COPY wattline/ wattline/
COPY config/ config/
COPY LICENSE ./
COPY --from=page /page/dist/ web/dist/

# The root file system is read-only in docker-compose.yml, so that no bytecode is written at run time.
RUN python -m compileall -q -j 0 /app

ENV PATH=/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    WATTLINE_DATA_DIR=/var/lib/wattline \
    WATTLINE_HTTP__HOST=0.0.0.0 \
    WATTLINE_HTTP__PORT=8420

USER 10001:10001
VOLUME /var/lib/wattline
EXPOSE 8420
STOPSIGNAL SIGTERM

# Alive: the process answers. Ready (broker, store and registry too) is /readyz.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['WATTLINE_HTTP__PORT'] + '/healthz', timeout=4)"]

CMD ["python", "-m", "wattline", "run"]
