package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"regexp"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	catalogv1 "github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1/catalogv1connect"
	notificationv1 "github.com/taproom-shop/taproom/gen/go/taproom/notification/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/notification/v1/notificationv1connect"
	"github.com/taproom-shop/taproom/services/edge"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/internal/server"
	"github.com/taproom-shop/taproom/services/internal/telemetry"
)

// bareCmd is what rows are compared with: handlers that do nothing, behind the shop's own edge, in a process of their own.
type bareCmd struct {
	Listen string `required:""`
	Beer   string `required:"" help:"File with the GetBeerResponse to give."`
	Beers  string `required:"" help:"File with the ListBeersResponse to give."`
}

// Run serves until it is told to stop.
func (c *bareCmd) Run(ctx context.Context, out io.Writer) error {
	catalog := bareCatalog{beer: &catalogv1.GetBeerResponse{}, beers: &catalogv1.ListBeersResponse{}}
	if err := errors.Join(readMessage(c.Beer, catalog.beer), readMessage(c.Beers, catalog.beers)); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle(catalogv1connect.NewCatalogServiceHandler(catalog))
	mux.Handle(notificationv1connect.NewNotificationServiceHandler(bareNotifications{}))
	front, err := edge.New(edge.Config{}, only{mux}, nil, telemetry.Providers{}, edge.About{}, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	behind := http.NewServeMux()
	module.Mount(behind, front)

	var l net.ListenConfig
	listener, err := l.Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, bareReady)
	return server.Run(ctx, slog.New(slog.DiscardHandler), listener, behind)
}

const bareReady = "the bare handlers are up"

// startBare runs this program's bare handlers, which give the shop's own answers.
func startBare(ctx context.Context, folder string, beer *catalogv1.GetBeerResponse, beers *catalogv1.ListBeersResponse) (url string, stop func() error, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return "", nil, err
	}
	beerFile, beersFile := folder+"/beer.bin", folder+"/beers.bin"
	if err := errors.Join(writeMessage(beerFile, beer), writeMessage(beersFile, beers)); err != nil {
		return "", nil, err
	}
	program, err := start(ctx, self, "bare", "--listen", address, "--beer", beerFile, "--beers", beersFile)
	if err != nil {
		return "", nil, err
	}
	if _, err := program.await(ctx, regexp.MustCompile(bareReady)); err != nil {
		return "", nil, errors.Join(err, program.stop())
	}
	return "http://" + address, program.stop, nil
}

func readMessage(path string, message proto.Message) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return proto.Unmarshal(data, message)
}

func writeMessage(path string, message proto.Message) error {
	data, err := proto.Marshal(message)
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}

// only answers for every service.
type only struct{ handler http.Handler }

// Handler implements edge.Backends.
func (o only) Handler(string) http.Handler { return o.handler }

// bareCatalog gives the same answer each time.
type bareCatalog struct {
	catalogv1connect.UnimplementedCatalogServiceHandler
	beer  *catalogv1.GetBeerResponse
	beers *catalogv1.ListBeersResponse
}

// GetBeer gives the fixed beer.
func (b bareCatalog) GetBeer(context.Context, *catalogv1.GetBeerRequest) (*catalogv1.GetBeerResponse, error) {
	return b.beer, nil
}

// ListBeers gives the fixed list.
func (b bareCatalog) ListBeers(context.Context, *catalogv1.ListBeersRequest) (*catalogv1.ListBeersResponse, error) {
	return b.beers, nil
}

// bareNotifications makes news out of nothing.
type bareNotifications struct {
	notificationv1connect.UnimplementedNotificationServiceHandler
}

// bareNewsEvery is how often each stream of bareNotifications has news: about as often as a buyer's in the live row.
const bareNewsEvery = 500 * time.Millisecond

// Subscribe sends news, each with the time at which it was made.
func (bareNotifications) Subscribe(ctx context.Context, _ *notificationv1.SubscribeRequest, stream *connect.ServerStream[notificationv1.SubscribeResponse]) error {
	hello := &notificationv1.SubscribeResponse{Message: &notificationv1.SubscribeResponse_Heartbeat{Heartbeat: &notificationv1.Heartbeat{}}}
	if err := stream.Send(hello); err != nil {
		return err
	}
	tick := time.NewTicker(bareNewsEvery)
	defer tick.Stop()
	for number := int64(1); ; number++ {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		news := &notificationv1.Notification{Number: number, Topic: notificationv1.Topic_TOPIC_ORDER, Type: "bare", CreatedAt: timestamppb.Now()}
		if err := stream.Send(&notificationv1.SubscribeResponse{Message: &notificationv1.SubscribeResponse_Notification{Notification: news}}); err != nil {
			return err
		}
	}
}
