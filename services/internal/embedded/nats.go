package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const (
	// natsMemory bounds what streams and consumers in memory may take. The shop's streams are on disk.
	natsMemory = 64 << 20
	// natsReady bounds the start, which reads the streams' state from disk.
	natsReady = 30 * time.Second
)

// NATS starts a NATS server with JetStream on disk below dir, and a connection to it. It listens on no port: only this
// process reaches it. Each message is on disk before its publisher is told so. The folder must be locked (see Lock) by
// this process. StopNATS ends both.
func NATS(dir string, log *slog.Logger) (*server.Server, *nats.Conn, error) {
	broker, err := server.NewServer(&server.Options{
		ServerName:         "taproom",
		DontListen:         true,
		JetStream:          true,
		StoreDir:           dir,
		SyncAlways:         true,
		JetStreamMaxMemory: natsMemory,
		NoSigs:             true,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("set the embedded NATS server up: %w", err)
	}
	messages := natsLog{log: log, fatal: make(chan string, 1)}
	broker.SetLoggerV2(messages, false, false, false)
	broker.Start()
	select {
	case reason := <-messages.fatal:
		broker.Shutdown()
		return nil, nil, fmt.Errorf("start the embedded NATS server on %s: %s", dir, reason)
	default:
	}
	if !broker.ReadyForConnections(natsReady) {
		broker.Shutdown()
		return nil, nil, fmt.Errorf("the embedded NATS server on %s was not ready within %s", dir, natsReady)
	}
	conn, err := nats.Connect("", nats.InProcessServer(broker), nats.Name("taproom"), nats.MaxReconnects(-1))
	if err != nil {
		broker.Shutdown()
		return nil, nil, fmt.Errorf("connect to the embedded NATS server: %w", err)
	}
	return broker, conn, nil
}

// StopNATS ends what NATS began: what was published is sent, what was received is handled, and the streams are closed.
func StopNATS(broker *server.Server, conn *nats.Conn) error {
	closed := make(chan struct{})
	conn.SetClosedHandler(func(*nats.Conn) { close(closed) })
	err := conn.Drain()
	if err == nil {
		<-closed // Drain has a time limit of its own
	}
	conn.Close()
	broker.Shutdown()
	broker.WaitForShutdown()
	if errors.Is(err, nats.ErrConnectionClosed) {
		return nil
	}
	return err
}

// natsLog writes the server's messages to the process's log. Its notices are details of a part here. The server would
// end the process after a fatal message if it owned it; here the first one is kept for who started it.
type natsLog struct {
	log   *slog.Logger
	fatal chan string
}

// Noticef implements the server.Logger of NATS.
func (l natsLog) Noticef(format string, v ...any) { l.write(slog.LevelDebug, format, v) }

// Debugf implements the server.Logger of NATS.
func (l natsLog) Debugf(format string, v ...any) { l.write(slog.LevelDebug, format, v) }

// Warnf implements the server.Logger of NATS.
func (l natsLog) Warnf(format string, v ...any) { l.write(slog.LevelWarn, format, v) }

// Errorf implements the server.Logger of NATS.
func (l natsLog) Errorf(format string, v ...any) { l.write(slog.LevelError, format, v) }

// Tracef implements the server.Logger of NATS.
func (l natsLog) Tracef(string, ...any) {}

// Fatalf implements the server.Logger of NATS.
func (l natsLog) Fatalf(format string, v ...any) {
	l.write(slog.LevelError, format, v)
	select {
	case l.fatal <- fmt.Sprintf(format, v...):
	default:
	}
}

func (l natsLog) write(level slog.Level, format string, v []any) {
	l.log.Log(context.Background(), level, "embedded NATS", slog.String("message", fmt.Sprintf(format, v...)))
}
