package simulated

// behaviour is what a card makes the provider do.
type behaviour struct {
	decline        string // reason for which it refuses to hold or take money
	slow           bool   // the answer takes Options.Delay
	lost           bool   // the call fails though the money is held or taken
	notices        int    // deliveries of the webhook
	captureFails   int    // captures that fail before one succeeds
	captureDecline string // reason for which it can't take what it holds
}

// The test cards. Any other number whose check digit is right behaves like the first.
//
//	number            what it does
//	4242424242424242  approves at once
//	4000000000000002  declines: CARD_DECLINED
//	4000000000009995  declines: INSUFFICIENT_FUNDS
//	4000000000000259  approves after a few seconds
//	4000000000000267  approves; the webhook is delivered twice
//	4000000000000275  approves; the webhook never comes, so that the shop has to ask
//	4000000000000283  approves; the first two captures fail, the third succeeds
//	4000000000000291  the call times out, but the money is held; no webhook
//	4000000000000309  approves, then can't capture what it holds: CARD_DECLINED
var testCards = map[string]behaviour{
	"4242424242424242": {notices: 1},
	"4000000000000002": {notices: 1, decline: "CARD_DECLINED"},
	"4000000000009995": {notices: 1, decline: "INSUFFICIENT_FUNDS"},
	"4000000000000259": {notices: 1, slow: true},
	"4000000000000267": {notices: 2},
	"4000000000000275": {notices: 0},
	"4000000000000283": {notices: 1, captureFails: 2},
	"4000000000000291": {notices: 0, lost: true},
	"4000000000000309": {notices: 1, captureDecline: "CARD_DECLINED"},
}

const ordinary = "4242424242424242"

// behavesLike returns the test card that a number behaves like. It alone is kept, never the number.
func behavesLike(number string) string {
	if _, special := testCards[number]; special {
		return number
	}
	return ordinary
}
