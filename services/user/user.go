// Package user is the service of accounts: who people are, how they sign in, what they may do, and where parcels go.
package user

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/taproom-shop/taproom/gen/go/taproom/order/v1/orderv1connect"
	"github.com/taproom-shop/taproom/gen/go/taproom/payment/v1/paymentv1connect"
	"github.com/taproom-shop/taproom/gen/go/taproom/user/v1/userv1connect"
	"github.com/taproom-shop/taproom/services/internal/database"
	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/journal"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/user/internal/password"
	"github.com/taproom-shop/taproom/services/user/internal/service"
	"github.com/taproom-shop/taproom/services/user/internal/store"
	"github.com/taproom-shop/taproom/services/user/internal/throttle"
	"github.com/taproom-shop/taproom/services/user/internal/vault"
)

// Name is the service's name.
const Name = "user"

// pruneEvery is how often old sessions are looked for.
const pruneEvery = 10 * time.Minute

// Config is what can be set about the service.
type Config struct {
	// PublicOrigins are origins other than the request's own host whose pages may use the refresh cookie.
	PublicOrigins []string `name:"public-origin" help:"Origin, such as https://shop.example, whose pages may use the refresh cookie besides those of the host that was asked."`
	// SecureCookies marks cookies as secure even if the request doesn't tell of TLS.
	SecureCookies bool `help:"Mark cookies as secure even if X-Forwarded-Proto doesn't say https."`

	// HashMemoryKiB, HashPasses and HashThreads are the cost of a password's hash (argon2id). Hashes made at another cost are
	// replaced at the next log-in.
	HashMemoryKiB uint32 `default:"19456" help:"Memory of a password hash in KiB."`
	HashPasses    uint32 `default:"2" help:"Passes of a password hash."`
	HashThreads   uint8  `default:"1" help:"Threads of a password hash."`
	// HashesAtOnce bounds the hashes that are made at the same time; others wait.
	HashesAtOnce int `default:"2" help:"Password hashes made at the same time at most."`

	// LoginFailuresPerAccount and LoginFailuresPerAddress are the failures allowed within LoginWindow: of one account from one
	// client address, and from one client address in all.
	LoginFailuresPerAccount int           `default:"10" help:"Wrong passwords for an account from one address within the window."`
	LoginFailuresPerAddress int           `default:"100" help:"Wrong passwords from one address within the window."`
	LoginWindow             time.Duration `default:"15m" help:"Time after which failures are forgotten."`
}

// DefaultConfig is what holds when nothing is set.
func DefaultConfig() Config {
	return Config{
		HashMemoryKiB: password.Recommended.MemoryKiB, HashPasses: password.Recommended.Passes,
		HashThreads: password.Recommended.Threads, HashesAtOnce: 2,
		LoginFailuresPerAccount: 10, LoginFailuresPerAddress: 100, LoginWindow: 15 * time.Minute,
	}
}

// Validate says what is wrong with a configuration and how to mend it.
func (c Config) Validate() error {
	switch {
	case c.HashMemoryKiB < 8 || c.HashPasses < 1 || c.HashThreads < 1:
		return errors.New("a password hash takes at least 8 KiB, one pass and one thread; 19456, 2 and 1 are recommended")
	case c.HashesAtOnce < 1:
		return errors.New("hashes-at-once must be 1 or more, or nobody could sign in")
	case c.LoginFailuresPerAccount < 1 || c.LoginFailuresPerAddress < 1:
		return errors.New("login-failures-per-account and login-failures-per-address must be 1 or more, or nobody could sign in")
	case c.LoginWindow < time.Second:
		return errors.New("login-window must be a second or longer")
	}
	return nil
}

// Deps are what the service is given.
type Deps struct {
	module.Kit
	// Signer makes the tokens of people. No other service may have its key.
	Signer *identity.Signer
	// OtherKeys are, besides the signer's, what others check those tokens with: keys used before, and those to come. To
	// change keys, let every instance know the next one first, then sign with it, and forget the former a month later, when
	// the last guest's token has expired.
	OtherKeys []ed25519.PublicKey
	// MasterKey wraps the keys of persons: see LoadOrCreateMasterKey.
	MasterKey []byte
}

// New returns the service.
func New(cfg Config, deps Deps) (*module.Module, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	origins := http.NewCrossOriginProtection()
	for _, origin := range cfg.PublicOrigins {
		if err := origins.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("public-origin: write it as https://shop.example: %w", err)
		}
	}
	kept, err := openStore(deps)
	if err != nil {
		return nil, err
	}
	people := &service.User{
		Store:  kept,
		Hasher: cfg.hasher(),
		Throttle: throttle.New(throttle.Limits{
			PerAccount: cfg.LoginFailuresPerAccount, PerAddress: cfg.LoginFailuresPerAddress, Window: cfg.LoginWindow,
		}, deps.Redis, deps.Clock, deps.Log),
		Signer:        deps.Signer,
		Clock:         deps.Clock,
		Origins:       origins,
		SecureCookies: cfg.SecureCookies,
		Orders:        orderv1connect.NewOrderStateServiceClient(deps.Peers.Client("order"), deps.Peers.URL("order"), deps.Peers.Options()...),
		Wallets:       paymentv1connect.NewPaymentStateServiceClient(deps.Peers.Client("payment"), deps.Peers.URL("payment"), deps.Peers.Options()...),
	}
	return &module.Module{
		Name: Name,
		Handlers: []module.Handler{
			module.Serve(userv1connect.NewUserServiceHandler(people, deps.HandlerOptions...)),
			{Pattern: "GET " + identity.JWKSPath, Handler: identity.JWKS(append([]ed25519.PublicKey{deps.Signer.Public()}, deps.OtherKeys...)...)},
			module.Serve(userv1connect.NewUserAdminServiceHandler(&service.Admin{Store: kept}, deps.HandlerOptions...)),
		},
		Loops:      []module.Loop{module.Repeat(deps.Log, "sessions", pruneEvery, nil, kept.PruneSessions)},
		DB:         deps.DB,
		Migrations: Migrations(),
	}, nil
}

// Migrations are the versions of the service's tables.
func Migrations() []database.Migrations {
	return []database.Migrations{journal.Migrations, store.Migrations}
}

func openStore(deps Deps) (*store.Store, error) {
	keys, err := vault.New(deps.MasterKey)
	if err != nil {
		return nil, err
	}
	return store.New(deps.DB, keys), nil
}

func (c Config) hasher() *password.Hasher {
	return password.NewHasher(password.Params{MemoryKiB: c.HashMemoryKiB, Passes: c.HashPasses, Threads: c.HashThreads}, c.HashesAtOnce)
}
