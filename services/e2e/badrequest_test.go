package e2e_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/emptypb"

	catalogv1 "github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1"
	userv1 "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
	"github.com/taproom-shop/taproom/services/e2e/shoptest"
)

const (
	listBeers     = "/taproom.catalog.v1.CatalogService/ListBeers"
	updateProfile = "/taproom.user.v1.UserService/UpdateProfile"
)

// Requests that are none: each is refused with a status and a code, whoever sends it, and changes nothing.
func TestRequestsThatCanNotBeRead(t *testing.T) {
	t.Parallel()
	shop := sharedShop(t)
	p := shop.Register(t)
	deep := strings.Repeat(`{"filter":`, 50_000)
	for name, c := range map[string]struct {
		body    string
		headers []string
		status  int
		code    string
	}{
		"no JSON":                 {`display_name=Eve`, nil, 400, "invalid_argument"},
		"half of it":              {`{"displayName":"Ev`, nil, 400, "invalid_argument"},
		"a list":                  {`[]`, nil, 400, "invalid_argument"},
		"two messages":            {`{"displayName":"Eve"}{"displayName":"Eva"}`, nil, 400, "invalid_argument"},
		"the same field twice":    {`{"displayName":"Eve","displayName":"Eva"}`, nil, 400, "invalid_argument"},
		"nothing":                 {``, nil, 400, "invalid_argument"},
		"very deep":               {deep, nil, 413, "resource_exhausted"},
		"deep":                    {deep[:200_000], nil, 400, "invalid_argument"},
		"another type":            {`{"displayName":1}`, nil, 400, "invalid_argument"},
		"not UTF-8 in JSON":       {"{\"displayName\":\"\xff\xfe\"}", nil, 400, "invalid_argument"},
		"half a surrogate":        {`{"displayName":"\ud800"}`, nil, 400, "invalid_argument"},
		"not UTF-8 in binary":     {"\x0a\x02\xff\xfe", []string{"Content-Type", "application/proto"}, 400, "invalid_argument"},
		"binary that ends early":  {"\x0a\x09Eve", []string{"Content-Type", "application/proto"}, 400, "invalid_argument"},
		"JSON that says binary":   {`{"displayName":"Eve"}`, []string{"Content-Type", "application/proto"}, 400, "invalid_argument"},
		"another content type":    {`{"displayName":"Eve"}`, []string{"Content-Type", "text/plain"}, 415, ""},
		"no content type":         {`{"displayName":"Eve"}`, []string{"Content-Type", ""}, 415, ""},
		"another charset":         {`{"displayName":"Eve"}`, []string{"Content-Type", "application/json; charset=utf-16"}, 415, ""},
		"an unknown encoding":     {`{"displayName":"Eve"}`, []string{"Content-Encoding", "br"}, 501, "unimplemented"},
		"gzip that is none":       {`{"displayName":"Eve"}`, []string{"Content-Encoding", "gzip"}, 400, "invalid_argument"},
		"more than may be sent":   {`{"displayName":"` + strings.Repeat("e", 300<<10) + `"}`, nil, 413, "resource_exhausted"},
		"a deadline that is none": {`{"displayName":"Eve"}`, []string{"Connect-Timeout-Ms", "soon"}, 400, "invalid_argument"},
		"another protocol":        {`{"displayName":"Eve"}`, []string{"Connect-Protocol-Version", "9"}, 400, "invalid_argument"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := post(t, shop, updateProfile, []byte(c.body), append(bearer(p.Token), c.headers...)...)
			status := answer.status
			if c.code == "resource_exhausted" { // Connect's status for it
				require.Equal(t, http.StatusTooManyRequests, status)
				status = c.status
			}
			require.Equal(t, c.status, status, "%s", answer.body)
			require.Equal(t, c.code, answer.Code, "%s", answer.body)
			require.NotContains(t, string(answer.body), "goroutine")
		})
	}
	profile, err := p.Users.GetProfile(t.Context(), &userv1.GetProfileRequest{})
	require.NoError(t, err)
	require.Equal(t, "Somebody New", profile.GetUser().GetDisplayName())
	require.EqualValues(t, 1, profile.GetUser().GetVersion())
}

func TestMethodsThatDoNotExist(t *testing.T) {
	t.Parallel()
	shop := sharedShop(t)
	for _, p := range protocols() {
		for _, procedure := range []string{"/taproom.catalog.v1.CatalogService/DropBeers", "/taproom.catalog.v9.CatalogService/ListBeers", "/taproom.brewery.v1.BreweryService/Brew"} {
			client := connect.NewClient[emptypb.Empty, emptypb.Empty](p.http(), shop.URL+procedure, p.options...)
			_, err := client.CallUnary(t.Context(), connect.NewRequest(&emptypb.Empty{}))
			requireRefused(t, err, connect.CodeUnimplemented, "METHOD_NOT_FOUND")
		}
	}
	for _, path := range []string{"/taproom.", "/taproom.catalog.v1.CatalogService/", "/taproom.catalog.v1.CatalogService/ListBeers/", "/taproom.catalog.v1.catalogservice/listbeers"} {
		answer := post(t, shop, path, []byte(`{}`))
		require.Equal(t, http.StatusNotImplemented, answer.status, path)
		require.Equal(t, "METHOD_NOT_FOUND", answer.reason(t), path)
	}
	answer := get(t, shop, updateProfile+"?encoding=json&message=%7B%7D&connect=v1")
	require.Equal(t, http.StatusMethodNotAllowed, answer.status, "what changes something is not done by GET")
}

func TestDecompressionBombs(t *testing.T) {
	t.Parallel()
	shop := sharedShop(t)
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	_, err := writer.Write(make([]byte, 1<<20))
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	bomb := bytes.Repeat(packed.Bytes(), 1024) // a megabyte that unpacks to a gigabyte: gzip files may be joined
	for name, body := range map[string][]byte{"a gigabyte": bomb, "200 MB in less than a message may have": bomb[:200*packed.Len()]} {
		begin := time.Now()
		answer := post(t, shop, listBeers, body, "Content-Type", "application/proto", "Content-Encoding", "gzip")
		require.Equal(t, "resource_exhausted", answer.Code, name)
		require.Less(t, time.Since(begin), 3*time.Second, name)
	}
	begin := time.Now()
	frame := append([]byte{1, 0, byte(len(bomb) >> 16), byte(len(bomb) >> 8), byte(len(bomb))}, bomb...)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, shop.URL+listBeers, bytes.NewReader(frame))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/grpc")
	req.Header.Set("Grpc-Encoding", "gzip")
	req.Header.Set("TE", "trailers")
	res, err := shoptest.HTTP2().Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	_, _ = new(bytes.Buffer).ReadFrom(res.Body)
	require.Equal(t, "8", res.Trailer.Get("Grpc-Status")+res.Header.Get("Grpc-Status"), "RESOURCE_EXHAUSTED")
	require.Less(t, time.Since(begin), 3*time.Second)
}

// A deadline that passes ends the call, and what it had begun.
func TestRequestsPastTheirDeadline(t *testing.T) {
	t.Parallel()
	shop := sharedShop(t)
	email := shoptest.NewID() + "@taproom.example"
	register := []byte(`{"email":"` + email + `","password":"a good password","displayName":"Late"}`)
	answer := post(t, shop, "/taproom.user.v1.UserService/Register", register, "Connect-Timeout-Ms", "0")
	require.Equal(t, "deadline_exceeded", answer.Code)
	_, err := shop.Anybody("").Users.Login(t.Context(), &userv1.LoginRequest{Email: email, Password: "a good password"})
	requireRefused(t, err, connect.CodeUnauthenticated, "CREDENTIALS_INVALID")

	for _, p := range protocols() {
		ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
		defer cancel()
		_, err := shop.Anybody("", p.options...).Catalog.ListBeers(ctx, &catalogv1.ListBeersRequest{})
		require.Equal(t, connect.CodeDeadlineExceeded, connect.CodeOf(err), p.name)
	}

	// A cart version that never comes is waited for two seconds, unless the client has less time.
	guest := shop.Guest(t)
	const getCart, body = "/taproom.cart.v1.CartQueryService/GetCart", `{"minVersion":1000}`
	begin := time.Now()
	answer = post(t, shop, getCart, []byte(body), append(bearer(guest.Token), "Connect-Timeout-Ms", "50")...)
	require.Equal(t, "deadline_exceeded DEADLINE_EXCEEDED", answer.Code+" "+answer.reason(t))
	frame := append([]byte{0, 0, 0, 0, byte(len(body))}, body...)
	answer = post(t, shop, getCart, frame, append(bearer(guest.Token), "Content-Type", "application/grpc-web+json", "Grpc-Timeout", "50m")...)
	require.Contains(t, answer.header.Get("Grpc-Status")+string(answer.body), "4")
	require.Contains(t, answer.header.Get("Grpc-Message")+string(answer.body), "not enough time")
	require.Less(t, time.Since(begin), 1500*time.Millisecond)
}
