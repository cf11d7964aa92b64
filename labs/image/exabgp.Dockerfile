# The image twinspan-exabgp:4.2.21: ExaBGP as Debian 12 has it.
#   docker build -t twinspan-exabgp:4.2.21 -f labs/image/exabgp.Dockerfile labs/image
FROM debian:12.11-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends exabgp=4.2.21-1.1 iproute2 procps \
 && rm -rf /var/lib/apt/lists/* && mkdir -p /run/exabgp
CMD ["exabgp", "--env", "/etc/exabgp/exabgp.env", "/etc/exabgp/exabgp.conf"]
