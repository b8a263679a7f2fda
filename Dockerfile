# docker build -t wabox . && docker run -p 5000:5000 -v wabox:/data wabox
FROM debian:12-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends make
COPY . /src
WORKDIR /src
RUN make web && meson setup /build --buildtype=release && PATH=/src/tools/node/node_modules/.bin:$PATH ninja -C /build src/cmd/waboxd src/cmd/waboxctl src/cmd/wabox-media \
    && strip /build/src/cmd/waboxd /build/src/cmd/waboxctl /build/src/cmd/wabox-media

FROM debian:12-slim
# --build-arg EXTRA="ffmpeg poppler-utils": converts recordings and films, previews films and PDF files.
ARG EXTRA=""
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl libuv1 liburing2 libssl3 libcurl4 libsodium23 libjwt0 libomemo-c0 \
      libprotobuf-c1 libsqlite3-0 libjansson4 zlib1g libqrencode4 libpng16-16 libicu72 libphonenumber8 \
      libjpeg62-turbo libwebp7 libwebpdemux2 libwebpmux3 libopusfile0 libopusenc0 libseccomp2 ${EXTRA} \
    && rm -rf /var/lib/apt/lists/* && useradd --system --uid 10001 --home-dir /data --create-home wabox && chmod 700 /data
COPY --from=build /build/src/cmd/waboxd /build/src/cmd/waboxctl /build/src/cmd/wabox-media /usr/local/bin/
USER wabox
WORKDIR /data
ENV DATA_DIR=/data HOST=0.0.0.0 PORT=5000 LOG_FORMAT=json
VOLUME /data
EXPOSE 5000
# --insecure: the certificate is for the public name, not for the loopback address.
HEALTHCHECK --interval=15s --timeout=5s CMD curl -fsS --insecure "http${TLS_CERT:+s}://127.0.0.1:${PORT:-5000}/health" || exit 1
ENTRYPOINT ["waboxd"]
