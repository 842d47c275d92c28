FROM python:3.13-slim
WORKDIR /hub
COPY pyproject.toml constraints.txt config.toml README.md ./
COPY hub hub
COPY handlers handlers
COPY storage storage
COPY static static
RUN pip install --no-cache-dir --constraint constraints.txt --editable . \
    && useradd --system hub && mkdir var && chown hub var
USER hub
VOLUME /hub/var
ENV HUB_SERVER__HOST=0.0.0.0
EXPOSE 8080
HEALTHCHECK CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/readyz', timeout=3)"]
CMD ["hub", "serve"]
