# The image twinspan-openbgpd:7.7: OpenBGPD as Debian 12 has it.
#   docker build -t twinspan-openbgpd:7.7 -f labs/image/openbgpd.Dockerfile labs/image
FROM debian:12.11-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends openbgpd=7.7-2 iproute2 procps \
 && rm -rf /var/lib/apt/lists/* && mkdir -p /run/openbgpd
CMD ["bgpd", "-d", "-f", "/etc/openbgpd/bgpd.conf"]
