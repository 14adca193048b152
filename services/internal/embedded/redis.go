package embedded

import (
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// redisTick is how exact expiry is. Each tick looks at every key, so it isn't done for each command.
const redisTick = 250 * time.Millisecond

// Redis starts a server that speaks Redis's protocol, and a client of it. It keeps everything in memory: what is in Redis
// can be lost at any time. It listens on a loopback port behind a password of its own. stop ends both.
func Redis() (client *redis.Client, stop func() error, err error) {
	store := miniredis.NewMiniRedis()
	password := rand.Text()
	store.RequireAuth(password)
	if err := store.StartAddr("127.0.0.1:0"); err != nil {
		return nil, nil, fmt.Errorf("start the embedded Redis: %w", err)
	}
	done := make(chan struct{})
	var clock sync.WaitGroup
	clock.Go(func() { runClock(store, done) })

	client = redis.NewClient(&redis.Options{
		Addr:            store.Addr(),
		Password:        password,
		DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{
			Mode: maintnotifications.ModeDisabled, // a feature of managed Redis
		},
	})
	return client, func() error {
		err := client.Close()
		close(done)
		clock.Wait()
		store.Close()
		return err
	}, nil
}

// runClock lets keys grow older with the time that passes: by itself the store's time stands still.
func runClock(store *miniredis.Miniredis, done <-chan struct{}) {
	ticker := time.NewTicker(redisTick)
	defer ticker.Stop()
	for last := time.Now(); ; {
		select {
		case <-done:
			return
		case <-ticker.C:
			now := time.Now()
			store.FastForward(now.Sub(last))
			last = now
		}
	}
}
