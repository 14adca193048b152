# One image for every service and job of the shop: the program, alone in an empty file system, run by nobody.
#   docker build --build-arg VERSION=$(git describe --tags --always) -t taproom .

# The web app, which the program embeds.
FROM node:22.21.1-alpine AS web
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
COPY gen/ts/package.json gen/ts/
COPY web/package.json web/
COPY docs/examples/typescript/package.json docs/examples/typescript/
RUN npm ci
COPY gen gen
COPY web web
RUN npm run build --workspace web

FROM golang:1.26.9-alpine AS program
WORKDIR /src
COPY gen/go.mod gen/go.sum gen/
COPY services/go.mod services/go.sum services/
RUN go -C services mod download
COPY gen gen
COPY services services
COPY --from=web /src/services/edge/internal/webapp/dist services/edge/internal/webapp/dist
ARG VERSION=dev
RUN CGO_ENABLED=0 go -C services build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /out/taproom ./cmd/taproom
# A new volume that is mounted here belongs to nobody, too.
RUN mkdir /out/data

FROM scratch
COPY --from=program /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=program --chown=65534:65534 /out/data /data
COPY --from=program /out/taproom /taproom
USER 65534:65534
ENTRYPOINT ["/taproom"]
CMD ["serve", "--listen=:8080", "--data=/data"]
