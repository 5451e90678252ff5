# The service on the CPU.
#
#   docker build --file docker/cpu.Dockerfile --tag madeira:cpu .
#
# The default build of torch for Linux carries its CUDA libraries, several gigabytes that a CPU
# never uses. For a small image, give the address of PyTorch's index of CPU builds:
#
#   docker build --build-arg TORCH_INDEX=ADDRESS ...

ARG PYTHON=3.11

FROM python:${PYTHON}-slim-bookworm AS build
ARG TORCH_INDEX=""
WORKDIR /src
COPY pyproject.toml constraints.txt LICENSE ./
# Dependencies first, against empty packages: their layer outlives every change of the code.
RUN python -m venv /opt/madeira \
    && mkdir app models \
    && touch README.md app/__init__.py models/__init__.py \
    && /opt/madeira/bin/pip install --no-cache-dir --constraint constraints.txt \
        ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} '.[serve,train,report]' \
    && rm -rf app models build ./*.egg-info
COPY models models
COPY app app
RUN /opt/madeira/bin/pip install --no-cache-dir --no-deps --force-reinstall . \
    && /opt/madeira/bin/python -P -m madeira.models.inference

FROM python:${PYTHON}-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin madeira
COPY --from=build /opt/madeira /opt/madeira
COPY checkpoints /checkpoints
# HOME and MPLCONFIGDIR: caches go where a read-only container can write.
ENV PATH=/opt/madeira/bin:$PATH \
    HOME=/tmp \
    MPLCONFIGDIR=/tmp/matplotlib \
    PYTHONUNBUFFERED=1 \
    MADEIRA_HOST=0.0.0.0 \
    MADEIRA_PORT=8000 \
    MADEIRA_CHECKPOINTS=/checkpoints
WORKDIR /tmp
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/ready', timeout=2)"]
ENTRYPOINT ["madeira"]
CMD ["serve"]
