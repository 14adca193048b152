// Command taproom-client buys beer: it is an example of a program by a third party that knows the shop by its SDK alone.
// It opens an account unless it is given one, orders what it finds, pays from its wallet and watches the courier come.
//
//	go run . -url http://127.0.0.1:8080 -query stout
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/google/uuid"

	cartv1 "github.com/taproom-shop/taproom/gen/go/taproom/cart/v1"
	catalogv1 "github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1"
	orderv1 "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	paymentv1 "github.com/taproom-shop/taproom/gen/go/taproom/payment/v1"
	typev1 "github.com/taproom-shop/taproom/gen/go/taproom/type/v1"
	userv1 "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
)

func main() {
	url := flag.String("url", cmp.Or(os.Getenv("TAPROOM_URL"), "http://127.0.0.1:8080"), "address of the shop (TAPROOM_URL)")
	email := flag.String("email", os.Getenv("TAPROOM_EMAIL"), "account to sign in to (TAPROOM_EMAIL); none: a new one is opened")
	query := flag.String("query", "stout", "what to search for")
	units := flag.Int("units", 2, "how many of the first beer found to buy")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	c := dial(strings.TrimSuffix(*url, "/"))
	if err := buy(ctx, c, *email, os.Getenv("TAPROOM_PASSWORD"), *query, int32(*units)); err != nil {
		fmt.Fprintln(os.Stderr, "taproom-client:", explain(err))
		os.Exit(1)
	}
}

// buy is the whole visit, from signing in to the doorstep.
func buy(ctx context.Context, c *client, email, password, query string, units int32) error {
	if err := signIn(ctx, c, email, password); err != nil {
		return fmt.Errorf("signing in: %w", err)
	}
	found, err := c.catalog.ListBeers(ctx, &catalogv1.ListBeersRequest{
		Filter: &catalogv1.BeerFilter{Query: query}, PageSize: 1, SkipFacets: true,
	})
	if err != nil {
		return fmt.Errorf("searching: %w", err)
	}
	if len(found.GetBeers()) == 0 {
		return fmt.Errorf("no beer goes by %q", query)
	}
	beer := found.GetBeers()[0]
	fmt.Printf("Found %s by %s, %s each\n", beer.GetName(), beer.GetBrewery().GetName(), amount(beer.GetPrice()))

	// The request id makes a repeat harmless. Keep it for as long as you try: see TopUpWallet below.
	added, err := c.cart.AddItem(ctx, &cartv1.AddItemRequest{RequestId: newID(), BeerId: beer.GetId(), Quantity: units})
	if err != nil {
		return fmt.Errorf("filling the cart: %w", err)
	}
	address, err := anAddress(ctx, c)
	if err != nil {
		return fmt.Errorf("finding an address: %w", err)
	}
	order, err := checkOut(ctx, c, address, added.GetCart().GetVersion())
	if err != nil {
		return fmt.Errorf("ordering: %w", err)
	}
	fmt.Printf("Ordered for %s: %s\n", amount(order.GetTotal()), order.GetId())
	return follow(ctx, c, order)
}

func signIn(ctx context.Context, c *client, email, password string) error {
	if email != "" {
		res, err := c.users.Login(ctx, &userv1.LoginRequest{Email: email, Password: password})
		c.session.keep(res.GetSession())
		return err
	}
	email = "guest-" + strings.ToLower(rand.Text()) + "@taproom.example"
	res, err := c.users.Register(ctx, &userv1.RegisterRequest{Email: email, Password: rand.Text(), DisplayName: "Example Client"})
	c.session.keep(res.GetSession())
	return err
}

// anAddress takes the default address, which is the first one, or saves one.
func anAddress(ctx context.Context, c *client) (*userv1.SavedAddress, error) {
	known, err := c.users.ListAddresses(ctx, &userv1.ListAddressesRequest{})
	if err != nil {
		return nil, err
	}
	if len(known.GetAddresses()) > 0 {
		return known.GetAddresses()[0], nil
	}
	res, err := c.users.CreateAddress(ctx, &userv1.CreateAddressRequest{Address: &typev1.Address{
		Recipient: "Ada Porter", Street: "Malt Street 1", City: "Kiel", PostalCode: "24103", Country: "DE",
	}})
	return res.GetAddress(), err
}

// checkOut orders what is in the cart at a price that was quoted, and quotes again when something changed in between.
func checkOut(ctx context.Context, c *client, address *userv1.SavedAddress, cartVersion int64) (*orderv1.Order, error) {
	requestID := newID()
	for {
		// The cart is read from a copy that follows it: naming the version waits until ours is in it.
		quoted, err := c.orders.QuoteOrder(ctx, &orderv1.QuoteOrderRequest{
			ShippingMethodId: "standard", Country: address.GetAddress().GetCountry(), MinCartVersion: cartVersion,
		})
		if err != nil {
			return nil, err
		}
		quote := quoted.GetQuote()
		if err := afford(ctx, c, quote.GetTotal().GetMinorUnits()); err != nil {
			return nil, err
		}
		placed, err := c.orders.PlaceOrder(ctx, &orderv1.PlaceOrderRequest{
			RequestId: requestID, QuoteDigest: quote.GetDigest(), AddressId: address.GetId(), ShippingMethodId: quote.GetShippingMethodId(),
			Payment: &orderv1.PaymentMethod{Method: &orderv1.PaymentMethod_Wallet{Wallet: true}},
		})
		if reasonOf(err) == "QUOTE_CHANGED" {
			continue
		}
		return placed.GetOrder(), err
	}
}

// afford makes sure that the wallet can pay so many cents, with the card that the demo's provider always approves.
func afford(ctx context.Context, c *client, cents int64) error {
	res, err := c.payments.GetWallet(ctx, &paymentv1.GetWalletRequest{})
	if err != nil {
		return err
	}
	missing := cents - res.GetWallet().GetAvailable().GetMinorUnits()
	if missing <= 0 {
		return nil
	}
	card, err := c.payments.SaveCard(ctx, &paymentv1.SaveCardRequest{Number: "4242424242424242", ExpMonth: 12, ExpYear: 2099, Cvc: "123"})
	if err != nil {
		return err
	}
	topUp := &paymentv1.TopUpWalletRequest{RequestId: newID(), CardId: card.GetCard().GetId(), AmountMinorUnits: max(missing, 100)}
	for range 5 {
		// Money moved or not? Asking again with the same id finds out, and charges once.
		if _, err = c.payments.TopUpWallet(ctx, topUp); connect.CodeOf(err) != connect.CodeUnavailable {
			break
		}
		time.Sleep(time.Second)
	}
	return err
}

func amount(m *typev1.Money) string {
	return fmt.Sprintf("%d.%02d %s", m.GetMinorUnits()/100, m.GetMinorUnits()%100, m.GetCurrency())
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }
