# The image twinspan-bird:2.0.12: BIRD as Debian 12 has it.
#   docker build -t twinspan-bird:2.0.12 -f labs/image/bird.Dockerfile labs/image
FROM debian:12.11-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends bird2=2.0.12-7 iproute2 procps \
 && rm -rf /var/lib/apt/lists/* && mkdir -p /run/bird
CMD ["bird", "-f", "-c", "/etc/bird/bird.conf", "-s", "/run/bird/bird.ctl"]
