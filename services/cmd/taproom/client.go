package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"connectrpc.com/connect"

	userv1 "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
	"github.com/taproom-shop/taproom/gen/go/taproom/user/v1/userv1connect"
	"github.com/taproom-shop/taproom/services/shop"
	"github.com/taproom-shop/taproom/services/user"
)

// staffFlags say which running shop to talk to, and as whom.
type staffFlags struct {
	URL      string `default:"http://127.0.0.1:8080" help:"Address of the running shop."`
	Email    string `help:"E-mail address of a staff account; by default that of the demo, found in the data folder."`
	Password string `help:"Its password; better given as TAPROOM_PASSWORD than as a flag."`
	Data     string `default:"data" help:"The shop's data folder, for its demo account." type:"path"`
}

// staff signs in and returns what its calls go through.
func (f staffFlags) staff(ctx context.Context) (shop.Caller, error) {
	email, password := f.Email, f.Password
	if email == "" {
		account, err := user.DemoStaff(filepath.Join(f.Data, "secrets"))
		if errors.Is(err, fs.ErrNotExist) {
			return shop.Caller{}, fmt.Errorf("no demo account in %s: name a staff account with --email and TAPROOM_PASSWORD", f.Data)
		}
		if err != nil {
			return shop.Caller{}, err
		}
		email, password = account.Email, account.Password
	}
	base := strings.TrimSuffix(f.URL, "/")
	client := &http.Client{Timeout: time.Minute}
	users := userv1connect.NewUserServiceClient(client, base)
	res, err := users.Login(ctx, &userv1.LoginRequest{Email: email, Password: password})
	if err != nil {
		if connect.CodeOf(err) == connect.CodeUnavailable {
			return shop.Caller{}, fmt.Errorf("no shop answers at %s: %w", base, err)
		}
		return shop.Caller{}, fmt.Errorf("signing in as %s: %w", email, err)
	}
	if res.GetUser().GetRole() != userv1.Role_ROLE_STAFF {
		return shop.Caller{}, fmt.Errorf("%s is not a staff account", email)
	}
	return shop.Caller{HTTP: client, URL: base, Token: res.GetSession().GetAccessToken()}, nil
}
