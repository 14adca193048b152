#!/usr/bin/env bash
# An order from the first look to the doorstep, in plain JSON, with curl alone: every method of the shop is
# POST /<package>.<Service>/<Method> with a JSON body. Methods without side effects can be asked with GET as well.
#
#   docs/examples/curl/walk.sh [http://127.0.0.1:8080]
#
# Besides curl it needs jq or node, to pick values out of answers.
set -euo pipefail

shop=${1:-${TAPROOM_URL:-http://127.0.0.1:8080}}
headers=(--header 'Content-Type: application/json')

# call <service> <Method> <body> prints the answer. An error is JSON too: a code, a sentence for people, and details with
# the reason for programs.
call() {
  local answer status
  answer=$(curl --silent --show-error --write-out '\n%{http_code}' "${headers[@]}" --data "$3" "$shop/taproom.$1/$2")
  status=${answer##*$'\n'}
  if [[ $status != 200 ]]; then
    echo "$1/$2: ${answer%$'\n'*}" >&2
    return 1
  fi
  echo "${answer%$'\n'*}"
}

# pick <path> prints one value of the JSON that it reads, such as .beers[0].id
if command -v jq >/dev/null; then
  pick() { jq --raw-output "$1"; }
else
  pick() { node -e 'console.log(new Function("a", "return a" + process.argv[1])(JSON.parse(require("fs").readFileSync(0))))' "$1"; }
fi

uuid() { cat /proc/sys/kernel/random/uuid 2>/dev/null || uuidgen; }

# An account. The answer carries a session: its access token opens everything below for five minutes; RefreshSession
# changes its refresh token for a new pair.
session=$(call user.v1.UserService Register "{
  \"email\": \"walk-$(uuid)@taproom.example\", \"password\": \"$(uuid)\", \"displayName\": \"Curl\"
}")
headers+=(--header "Authorization: Bearer $(pick .session.accessToken <<<"$session")")

# A beer. The catalogue is open to everybody, and reading it works with GET.
found=$(curl --silent --show-error --fail --get "$shop/taproom.catalog.v1.CatalogService/ListBeers" \
  --data-urlencode 'connect=v1' --data-urlencode 'encoding=json' \
  --data-urlencode 'message={"filter": {"query": "stout"}, "pageSize": 1, "skipFacets": true}')
beer=$(pick '.beers[0].id' <<<"$found")
echo "Found $(pick '.beers[0].name' <<<"$found")"

# Into the cart. A request id is yours to make up: a call that is sent twice with the same one takes effect once.
cart=$(call cart.v1.CartCommandService AddItem "{\"requestId\": \"$(uuid)\", \"beerId\": \"$beer\", \"quantity\": 2}")
version=$(pick .cart.version <<<"$cart")

# Where it goes.
address=$(call user.v1.UserService CreateAddress '{"address": {
  "recipient": "Ada Porter", "street": "Malt Street 1", "city": "Kiel", "postalCode": "24103", "country": "DE"
}}' | pick .address.id)

# Money for it, in cents: the test card that the demo's provider always approves fills the wallet with 50 euros.
card=$(call payment.v1.PaymentService SaveCard \
  '{"number": "4242424242424242", "expMonth": 12, "expYear": 2099, "cvc": "123"}' | pick .card.id)
wallet=$(call payment.v1.PaymentService TopUpWallet \
  "{\"requestId\": \"$(uuid)\", \"cardId\": \"$card\", \"amountMinorUnits\": 5000}")
echo "The wallet holds $(pick .wallet.available.minorUnits <<<"$wallet") cents"

# What it costs this moment. Naming the cart's version waits until the side that reads carts has seen our change.
quote=$(call order.v1.OrderService QuoteOrder \
  "{\"shippingMethodId\": \"standard\", \"country\": \"DE\", \"minCartVersion\": \"$version\"}")
digest=$(pick .quote.digest <<<"$quote")
echo "It costs $(pick .quote.total.minorUnits <<<"$quote") cents with shipping"

# The order. The digest says which price we agree to: had it changed since, the answer would be QUOTE_CHANGED.
order=$(call order.v1.OrderService PlaceOrder "{
  \"requestId\": \"$(uuid)\", \"quoteDigest\": \"$digest\", \"addressId\": \"$address\",
  \"shippingMethodId\": \"standard\", \"payment\": {\"wallet\": true}
}" | pick .order.id)
echo "Ordered: $order"

# Until it is at the door. Programs subscribe to NotificationService instead; curl asks once a second.
state=
until [[ $state == ORDER_STATE_DELIVERED ]]; do
  before=$state
  state=$(call order.v1.OrderService GetOrder "{\"id\": \"$order\"}" | pick .order.state)
  [[ $state == "$before" ]] || echo "  $state"
  [[ $state != ORDER_STATE_CANCELLED ]] || exit 1
  sleep 1
done

# What happened on the way, step by step.
call order.v1.OrderService GetOrderTimeline "{\"id\": \"$order\"}"
