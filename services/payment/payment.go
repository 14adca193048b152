// Package payment is the service of wallets, cards, payments of orders and the double-entry ledger that all of it is booked in.
package payment

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/taproom-shop/taproom/gen/go/taproom/payment/v1/paymentv1connect"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/invariant"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/internal/messaging"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/internal/telemetry"
	"github.com/taproom-shop/taproom/services/payment/internal/consumer"
	"github.com/taproom-shop/taproom/services/payment/internal/intents"
	"github.com/taproom-shop/taproom/services/payment/internal/provider"
	"github.com/taproom-shop/taproom/services/payment/internal/provider/simulated"
	"github.com/taproom-shop/taproom/services/payment/internal/service"
	"github.com/taproom-shop/taproom/services/payment/internal/store"
	"github.com/taproom-shop/taproom/services/payment/internal/webhook"
)

// Name is the service's name.
const Name = "payment"

// webhookPath is where the card provider sends its notices.
const webhookPath = "/webhooks/card-provider"

// webhookTimeout bounds a webhook that goes over the network.
const webhookTimeout = 10 * time.Second

// SecretFile is the file of the card provider's webhook secret in the folder of secrets, if no other is set.
const SecretFile = "card-webhook.key" //nolint:gosec // a name

// Config is what can be set about the service.
type Config struct {
	WalletLimit       int64         `default:"500000" help:"Most that top-ups may fill a wallet up to, in cents."`
	TopUpWait         time.Duration `default:"8s" help:"How long a top-up waits for the card provider before it tells the customer to ask again; below 15s."`
	IntentRetry       time.Duration `default:"1s" help:"Pause before the card provider is asked again; doubled each time, up to a minute."`
	WebhookSecretFile string        `help:"File with the secret that signs the card provider's webhooks, at least 32 characters; all replicas need the same. Default: made in the folder of secrets." type:"path"`
	CardDelay         time.Duration `default:"4s" help:"How long the simulated card provider takes for its slow test card."`
	CardWebhookURL    string        `help:"Where the simulated card provider sends webhooks. Default: straight to this service."`
}

// Validate says what is wrong with a configuration and how to mend it.
func (c Config) Validate() error {
	switch {
	case c.WalletLimit <= 0:
		return errors.New("wallet-limit must be more than 0 cents, or no wallet could be topped up")
	case c.TopUpWait <= 0 || c.TopUpWait >= 15*time.Second:
		return errors.New("top-up-wait must be more than 0s and less than 15s, which is how long a call may take")
	case c.IntentRetry <= 0:
		return errors.New("intent-retry must be more than 0s; 1s is recommended")
	case c.CardWebhookURL != "" && !strings.HasPrefix(c.CardWebhookURL, "http"):
		return errors.New("card-webhook-url must be a URL such as https://shop.example" + webhookPath)
	}
	return nil
}

// DefaultConfig is what holds when nothing is set.
func DefaultConfig() Config {
	return Config{WalletLimit: 500_000, TopUpWait: 8 * time.Second, IntentRetry: time.Second, CardDelay: 4 * time.Second}
}

// Deps are what the service is given.
type Deps struct {
	module.Kit
	// Secrets is the folder of secrets, in which a missing webhook secret is made.
	Secrets string
}

// Migrations are the versions of the service's tables and of the simulated card provider's, which share its database.
func Migrations() []database.Migrations {
	return []database.Migrations{journal.Migrations, store.Migrations, simulated.Migrations}
}

// New returns the service. Cards need Kit.Demo, which brings the simulated provider; without it only wallets work.
func New(cfg Config, deps Deps) (*module.Module, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	secret, err := cfg.secret(deps.Secrets)
	if err != nil {
		return nil, err
	}
	kept := store.New(deps.DB)
	runner := &intents.Runner{DB: deps.DB, Store: kept, Provider: provider.None{}, Log: deps.Log, Retry: cfg.IntentRetry, Alone: deps.Alone}
	loops := []module.Loop{runner.Loop()}
	if deps.Demo {
		cards := simulated.New(cfg.simulated(deps, secret))
		runner.Provider = cards
		loops = append(loops, cards.Loop())
	}
	customers := &service.Payment{DB: deps.DB, Store: kept, Intents: runner, WalletLimit: cfg.WalletLimit, TopUpWait: cfg.TopUpWait, Cards: deps.Demo}
	return &module.Module{
		Name: Name,
		Handlers: []module.Handler{
			module.Serve(paymentv1connect.NewPaymentServiceHandler(customers, deps.HandlerOptions...)),
			module.Serve(paymentv1connect.NewPaymentAdminServiceHandler(&service.Admin{Store: kept}, deps.HandlerOptions...)),
			module.Serve(paymentv1connect.NewPaymentStateServiceHandler(&service.State{DB: deps.DB}, deps.HandlerOptions...)),
			{Pattern: webhookPath, Handler: &webhook.Handler{DB: deps.DB, Secret: secret, Log: deps.Log}},
		},
		Consumers:  []messaging.Consumer{consumer.Orders(), consumer.Users()},
		Loops:      loops,
		Sources:    []telemetry.Source{invariant.Source(deps.Clock, (&service.Admin{Store: kept}).Invariants)},
		DB:         deps.DB,
		Migrations: Migrations(),
	}, nil
}

func (c Config) simulated(deps Deps, secret []byte) simulated.Options {
	options := simulated.Options{DB: deps.DB, Log: deps.Log, Secret: secret, Delay: c.CardDelay, WebhookURL: c.CardWebhookURL}
	if c.CardWebhookURL != "" {
		options.Client = &http.Client{Timeout: webhookTimeout}
		return options
	}
	options.Client, options.WebhookURL = deps.Peers.Client(Name), deps.Peers.URL(Name)+webhookPath
	return options
}

func (c Config) secret(folder string) ([]byte, error) {
	if c.WebhookSecretFile != "" {
		return provider.LoadSecret(c.WebhookSecretFile)
	}
	if folder == "" {
		return nil, fmt.Errorf("webhook-secret-file: name a file with the secret of the card provider's webhooks")
	}
	return provider.LoadOrCreateSecret(filepath.Join(folder, SecretFile))
}

// MakeSecret makes the webhook secret in the folder of secrets if it is not there.
func MakeSecret(folder string) error {
	_, err := provider.LoadOrCreateSecret(filepath.Join(folder, SecretFile))
	return err
}
