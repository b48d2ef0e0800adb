# docker build --tag tic_exporter .
#
# docker run --read-only --cap-drop ALL --publish 15402:15402 \
#   --device /dev/serial/by-id/usb-…:/dev/tic0 --group-add "$(stat -c %g /dev/ttyUSB0)" \
#   --volume "$PWD/tic_exporter.yml:/etc/tic_exporter/tic_exporter.yml:ro" \
#   --volume tic_exporter:/var/lib/tic_exporter tic_exporter
#
# A numeric user has no supplementary groups: --group-add gives it that of the serial port.

ARG PYTHON_TAG=3.13-slim-bookworm

FROM python:${PYTHON_TAG} AS build

# bcrypt, for users and passwords, has no ARMv6 wheel: build there with --build-arg EXTRAS=
ARG EXTRAS=[auth]

WORKDIR /src
# Without pip in it: the environment is filled from outside, with compiled modules, as the image is run read-only.
RUN python -m venv --without-pip /opt/tic_exporter
COPY pyproject.toml README.md LICENSE ./
COPY tic_exporter ./tic_exporter
RUN pip --disable-pip-version-check --python /opt/tic_exporter/bin/python \
      install --no-cache-dir --compile ".${EXTRAS}"
COPY scripts/healthcheck.py /opt/tic_exporter/healthcheck.py


FROM python:${PYTHON_TAG}

ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=

LABEL org.opencontainers.image.title="tic_exporter" \
      org.opencontainers.image.description="Prometheus exporter for the TIC output of French electricity meters" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"

# STATE_DIRECTORY: where the state is kept unless the configuration says otherwise.
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    STATE_DIRECTORY=/var/lib/tic_exporter

# The directory is given away before VOLUME, which would otherwise undo it.
RUN mkdir -p /var/lib/tic_exporter && chown 9999:9999 /var/lib/tic_exporter

COPY --from=build /opt/tic_exporter /opt/tic_exporter
COPY LICENSE /opt/tic_exporter/LICENSE
COPY tic_exporter.yml /etc/tic_exporter/tic_exporter.yml

USER 9999:9999
WORKDIR /var/lib/tic_exporter
EXPOSE 15402
VOLUME /var/lib/tic_exporter

HEALTHCHECK --interval=60s --timeout=5s --start-period=10s --retries=3 \
  CMD ["/opt/tic_exporter/bin/python", "-I", "-S", "/opt/tic_exporter/healthcheck.py", "127.0.0.1", "15402"]

ENTRYPOINT ["/opt/tic_exporter/bin/tic-exporter"]
CMD ["--config.file=/etc/tic_exporter/tic_exporter.yml"]
