package domain

import (
	_ "embed"
	"strings"
	"unicode/utf8"

	"github.com/taproom-shop/taproom/services/internal/fault"
)

// MinPassword and MaxPassword bound the length of a password, in characters.
const (
	MinPassword = 10
	MaxPassword = 128
)

//go:embed common_passwords.txt
var commonList string

// common holds passwords that guessing programs try first, in lower case, none shorter than MinPassword.
var common = func() map[string]bool {
	set := make(map[string]bool)
	for line := range strings.Lines(commonList) {
		set[strings.TrimSpace(line)] = true
	}
	return set
}()

// CheckPassword refuses passwords that are too short, too long, the account's e-mail address, or well known. field names
// the field of the request that is told about.
func CheckPassword(password, email, field string) error {
	refuse := func(reason, message string) error {
		return fault.Invalid(reason, "%s", message).WithField(field, "%s", message)
	}
	switch n := utf8.RuneCountInString(password); {
	case n < MinPassword || n > MaxPassword:
		return refuse("PASSWORD_LENGTH", "choose a password of 10 to 128 characters")
	case EmailKey(password) == EmailKey(email):
		return refuse("PASSWORD_IS_EMAIL", "choose a password that is not the e-mail address")
	case common[strings.ToLower(password)] || monotonous(password):
		return refuse("PASSWORD_TOO_COMMON", "this password is among the first to be guessed: choose another one")
	}
	return nil
}

// monotonous reports whether a password is one character over and over.
func monotonous(password string) bool {
	first, _ := utf8.DecodeRuneInString(password)
	return strings.Trim(password, string(first)) == ""
}
