package chaos

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// echo is a server that answers what it is sent.
func echo(t *testing.T) (address string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(conn, conn)
				_ = conn.Close()
			}()
		}
	}()
	return listener.Addr().String()
}

func TestAProxyIsCutAndMended(t *testing.T) {
	p, err := newProxy()
	require.NoError(t, err)
	t.Cleanup(p.close)
	require.NoError(t, p.aimAt("nats://"+echo(t)))
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", p.address())
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	ask := func(conn net.Conn, patience time.Duration) error {
		_ = conn.SetDeadline(time.Now().Add(patience))
		if _, err := conn.Write([]byte("beer")); err != nil {
			return err
		}
		_, err := io.ReadFull(conn, make([]byte, 4))
		return err
	}
	conn := dial()
	require.NoError(t, ask(conn, 10*time.Second))

	p.cut(true)
	require.Error(t, ask(conn, 100*time.Millisecond), "nothing passes")
	p.mend()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, err = io.ReadFull(conn, make([]byte, 4))
	require.NoError(t, err, "what was held back comes late")

	p.cut(false)
	require.Error(t, ask(conn, 10*time.Second), "the connection is broken")
	require.Error(t, ask(dial(), 10*time.Second), "and no other is made")
	p.mend()
	require.NoError(t, ask(dial(), 10*time.Second))
}
