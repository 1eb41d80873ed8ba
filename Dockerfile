# The app on a CPU: no PyTorch, no root, nothing written but to /data and /tmp.
#     docker build -t transformer-atlas .
#     docker run -p 8501:8501 --read-only --tmpfs /tmp -v atlas:/data transformer-atlas
FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
COPY requirements-host.txt requirements.lock ./
RUN python -m venv /venv \
    && /venv/bin/pip install --no-compile -c requirements.lock -r requirements-host.txt
COPY hosting/slim.sh ./
# Tests, headers and parts of libraries that the app never opens: a third of the size.
RUN sh slim.sh /venv && /venv/bin/python -m compileall -q /venv/lib

FROM python:3.11-slim-bookworm
RUN useradd --uid 1000 --create-home atlas && install -d -o atlas -g atlas /data
COPY --from=build /venv /venv
WORKDIR /app
COPY --chown=root:root app.py LICENSE NOTICE requirements.txt requirements-host.txt ./
COPY --chown=root:root .streamlit .streamlit
COPY --chown=root:root assets assets
COPY --chown=root:root engine engine
COPY --chown=root:root pages pages
RUN python -m compileall -q engine pages
USER 1000
ENV PATH=/venv/bin:$PATH HOME=/tmp XDG_CACHE_HOME=/data PYTHONDONTWRITEBYTECODE=1 \
    ATLAS_MODE=public ATLAS_MODELS=/data/models
VOLUME /data
EXPOSE 8501
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/healthz', timeout=4)"]
CMD ["streamlit", "run", "app.py", "--server.address=0.0.0.0", "--server.port=8501"]
