package mtls

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"connectrpc.com/connect"
	consulapi "github.com/hashicorp/consul/api"
)

const (
	// watchTime is how long Consul holds a question to which there is no news.
	watchTime = time.Minute
	// answerTime is how much longer than asked for an answer may take. Consul adds a sixteenth by itself.
	answerTime = 10 * time.Second
	// questionGap lies between two questions at least.
	questionGap = 100 * time.Millisecond
	// firstPause and maxPause bound how long an outage of Consul is waited out before it is asked again.
	firstPause, maxPause = 200 * time.Millisecond, 5 * time.Second
)

// awaitRoots waits for the roots and follows them in the background until ctx ends.
func (a *Authority) awaitRoots(ctx context.Context, i *Identity) error {
	index := uint64(0)
	if err := a.retry(ctx, func() (err error) {
		index, err = a.askForRoots(ctx, i, 0)
		return err
	}); err != nil {
		return err
	}
	go a.followRoots(ctx, i, index)
	return nil
}

func (a *Authority) followRoots(ctx context.Context, i *Identity, index uint64) {
	pause := firstPause
	for sleep(ctx, questionGap); ctx.Err() == nil; sleep(ctx, questionGap) {
		seen, err := a.askForRoots(ctx, i, index)
		switch {
		case err != nil:
			index = 0 // the next answer comes at once
			sleep(ctx, pause)
			pause = min(2*pause, maxPause)
			continue
		case seen < index: // Consul lost its state
			index = 0
		default:
			index = max(seen, 1) // 0 would be a question that is not held
		}
		pause = firstPause
	}
}

// askForRoots takes in roots that are newer than index.
func (a *Authority) askForRoots(ctx context.Context, i *Identity, index uint64) (seen uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, watchTime+watchTime/16+answerTime)
	defer cancel()
	list, meta, err := a.cfg.Client.Agent().ConnectCARoots((&consulapi.QueryOptions{WaitIndex: index, WaitTime: watchTime}).WithContext(ctx))
	if err != nil {
		return 0, err
	}
	return meta.LastIndex, i.takeRoots(list)
}

// retry calls first until it succeeds, Consul refuses or ctx ends.
func (a *Authority) retry(ctx context.Context, first func() error) error {
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		err := first()
		if err == nil || isRefusal(err) {
			return err
		}
		a.cfg.Log.WarnContext(ctx, "Consul can't be asked for certificates: it is tried again", slog.Any("error", err))
		sleep(ctx, pause)
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), err)
		}
	}
}

// isRefusal tells answers that another try won't change from failures.
func isRefusal(err error) bool {
	switch connect.CodeOf(err) {
	case connect.CodePermissionDenied, connect.CodeUnauthenticated, connect.CodeInvalidArgument:
		return true
	default:
		var refused consulapi.StatusError
		return errors.As(err, &refused) && refused.Code < 500
	}
}

// sleep waits for about d, so that many processes don't ask at the same moment, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d/2 + rand.N(d)) //nolint:gosec // spreads load, keeps no secret
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
