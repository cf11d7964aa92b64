# The image twinspan-gobgp:3.10.0: GoBGP as Debian 12 has it.
#   docker build -t twinspan-gobgp:3.10.0 -f labs/image/gobgp.Dockerfile labs/image
FROM debian:12.11-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends gobgpd=3.10.0-1+b4 iproute2 procps \
 && rm -rf /var/lib/apt/lists/* && mkdir -p /etc/gobgp
CMD ["gobgpd", "-t", "toml", "-f", "/etc/gobgp/gobgpd.toml"]
