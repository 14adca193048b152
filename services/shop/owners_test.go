package shop_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/shop"
)

func TestEveryStreamIsLookedAfterByAServiceOrByAll(t *testing.T) {
	shared := map[string]bool{messaging.StreamDLQ: true, messaging.StreamReplay: true}
	for _, stream := range messaging.Streams() {
		owner := messaging.OwnerOf(stream.Name)
		if shared[stream.Name] {
			require.Empty(t, owner, stream.Name)
			continue
		}
		require.Contains(t, shop.Names(), owner, stream.Name)
	}
}
