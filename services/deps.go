//go:build tools

package deps

import (
	_ "connectrpc.com/connect"
	_ "connectrpc.com/validate"
	_ "connectrpc.com/otelconnect"
	_ "connectrpc.com/grpcreflect"
	_ "connectrpc.com/grpchealth"
	_ "connectrpc.com/cors"
	_ "buf.build/go/protovalidate"
	_ "entgo.io/ent"
	_ "github.com/nats-io/nats.go"
	_ "github.com/nats-io/nats-server/v2/server"
	_ "github.com/redis/go-redis/v9"
	_ "modernc.org/sqlite"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/alicebob/miniredis/v2"
	_ "pgregory.net/rapid"
	_ "github.com/alecthomas/kong"
	_ "github.com/golang-jwt/jwt/v5"
	_ "github.com/google/uuid"
	_ "golang.org/x/crypto/argon2"
	_ "golang.org/x/sync/errgroup"
	_ "google.golang.org/genproto/googleapis/rpc/errdetails"
	_ "github.com/pressly/goose/v3"
)
