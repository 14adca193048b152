package shop

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/taproom-shop/taproom/services/internal/identity"
	"github.com/taproom-shop/taproom/services/internal/module"
	"github.com/taproom-shop/taproom/services/payment"
	"github.com/taproom-shop/taproom/services/user"
)

// secrets is the folder of what a shop keeps from others: the key that signs the tokens of people, the one that wraps the
// keys of persons, and the one of the card provider's webhooks.
type secrets string

func (s secrets) peopleKey() string { return filepath.Join(string(s), "people.pem") }
func (s secrets) masterKey() string { return filepath.Join(string(s), "master.key") }

// MakeSecrets makes those of a shop's secrets that the folder lacks, for their owner's eyes alone.
func MakeSecrets(dir string) error {
	if _, err := identity.LoadOrCreateKeys(dir); err != nil {
		return err
	}
	if _, err := user.LoadOrCreateMasterKey(secrets(dir).masterKey()); err != nil {
		return err
	}
	return payment.MakeSecret(dir)
}

// check says which secret of a service is missing. A service that made its own would not agree with its other replicas.
func (s secrets) check(service string) error {
	needed := map[string][]string{
		user.Name:    {s.peopleKey(), s.masterKey()},
		payment.Name: {filepath.Join(string(s), payment.SecretFile)},
	}
	for _, path := range needed[service] {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("service %s needs the secret %s: `taproom secrets` makes a folder of them, which all replicas share", service, path)
		}
	}
	return nil
}

// accounts are what the user service is given.
func (s secrets) accounts(kit module.Kit) (user.Deps, error) {
	key, others, err := s.peopleKeys()
	if err != nil {
		return user.Deps{}, err
	}
	master, err := user.LoadMasterKey(s.masterKey())
	if err != nil {
		return user.Deps{}, err
	}
	return user.Deps{Kit: kit, Signer: identity.NewSigner(key, identity.PeopleIssuer, time.Now), OtherKeys: others, MasterKey: master}, nil
}

// peopleKeys are the key that signs people's tokens, and others that their tokens are checked with: those in the files
// people-*.pem, which were used before or will be next.
func (s secrets) peopleKeys() (signs ed25519.PrivateKey, others []ed25519.PublicKey, err error) {
	if signs, err = identity.LoadPrivateKey(s.peopleKey()); err != nil {
		return nil, nil, err
	}
	paths, err := filepath.Glob(filepath.Join(string(s), "people-*.pem"))
	if err != nil {
		return nil, nil, err
	}
	for _, path := range paths {
		key, err := identity.LoadPrivateKey(path)
		if err != nil {
			return nil, nil, err
		}
		others = append(others, ed25519.PublicKey(key[ed25519.PrivateKeySize-ed25519.PublicKeySize:]))
	}
	return signs, others, nil
}
