package provider

import (
	"log/slog"
	"strconv"
	"time"
)

// Card is what a customer types in. It is handed on and never kept; printing or logging it shows nothing of it.
type Card struct {
	Number            string // 12 to 19 digits
	ExpMonth, ExpYear int
	CVC               string
}

// String hides the card.
func (Card) String() string { return "card" }

// GoString hides the card.
func (Card) GoString() string { return "card" }

// LogValue hides the card.
func (Card) LogValue() slog.Value { return slog.StringValue("card") }

// Check returns a *CardError for a card that can't be right at that time.
func (c Card) Check(now time.Time) error {
	switch {
	case !luhn(c.Number):
		return &CardError{Field: "number", Message: "is not a card number: check the digits"}
	case c.ExpMonth < 1 || c.ExpMonth > 12:
		return &CardError{Field: "exp_month", Message: "is a month, 1 to 12"}
	case Expired(c.ExpMonth, c.ExpYear, now):
		return &CardError{Field: "exp_year", Message: "lies in the past: use a card that is still good"}
	case len(c.CVC) != cvcDigits(c.Brand()):
		return &CardError{Field: "cvc", Message: "has " + strconv.Itoa(cvcDigits(c.Brand())) + " digits on this card"}
	}
	return nil
}

// Expired reports whether a card that ends with the given month is no longer good.
func Expired(month, year int, now time.Time) bool {
	return !now.UTC().Before(time.Date(year, time.Month(month)+1, 1, 0, 0, 0, 0, time.UTC))
}

// Last4 returns the last four digits.
func (c Card) Last4() string { return c.Number[max(len(c.Number)-4, 0):] }

// Brand tells the brand by the number's first digits: visa, mastercard, amex, discover or unknown.
func (c Card) Brand() string {
	switch prefix := c.leading; {
	case prefix(1) == 4:
		return "visa"
	case prefix(2) == 34, prefix(2) == 37:
		return "amex"
	case prefix(2) >= 51 && prefix(2) <= 55, prefix(4) >= 2221 && prefix(4) <= 2720:
		return "mastercard"
	case prefix(4) == 6011, prefix(2) == 65:
		return "discover"
	}
	return "unknown"
}

func (c Card) leading(digits int) int {
	n, err := strconv.Atoi(c.Number[:min(digits, len(c.Number))])
	if err != nil {
		return -1
	}
	return n
}

func cvcDigits(brand string) int {
	if brand == "amex" {
		return 4
	}
	return 3
}

// luhn checks the number's last digit against the others.
func luhn(number string) bool {
	if len(number) < 12 || len(number) > 19 {
		return false
	}
	sum := 0
	for i := range len(number) {
		digit := int(number[len(number)-1-i]) - '0'
		if digit < 0 || digit > 9 {
			return false
		}
		if i%2 == 1 {
			if digit *= 2; digit > 9 {
				digit -= 9
			}
		}
		sum += digit
	}
	return sum%10 == 0
}
