FROM python:3.13.13-slim-bookworm
WORKDIR /hub
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

# What the hub needs, in a layer that stays as long as these files do. Wheels only: there is no compiler here.
COPY pyproject.toml constraints.txt ./
RUN python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" \
        > /tmp/needed.txt \
    && pip install --only-binary :all: --constraint constraints.txt --requirement /tmp/needed.txt

COPY config.toml README.md ./
COPY hub hub
COPY handlers handlers
COPY storage storage
COPY static static
# Editable: config.toml and static/ are read where they are. All of it is root's; only var is the hub's.
RUN pip install --no-deps --editable . \
    && python -m compileall -q hub handlers storage \
    && useradd --uid 10001 --home-dir /hub --no-create-home --shell /usr/sbin/nologin hub \
    && install -d -o hub -g hub -m 700 var
USER 10001
VOLUME /hub/var

ENV HUB_SERVER__HOST=0.0.0.0
EXPOSE 8080
# The shell puts in PORT when it is checked, not when this is built.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD python -c "import urllib.request as web; web.urlopen('http://127.0.0.1:${PORT:-8080}/readyz', timeout=4)"
STOPSIGNAL SIGTERM
CMD ["hub", "serve"]
