# A static binary and nothing else: no shell, no package manager, not root.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=devel
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/leftoff ./cmd/leftoff \
 && mkdir -p /out/var/lib/leftoff /out/etc/ssl/certs /out/tmp \
 && cp /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/

FROM scratch
COPY --from=build --chown=65532:65532 /out/ /
USER 65532:65532
VOLUME /var/lib/leftoff
EXPOSE 9780
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["/leftoff", "health"]
ENTRYPOINT ["/leftoff"]
CMD ["run", "-c", "/etc/leftoff/link.yml"]
