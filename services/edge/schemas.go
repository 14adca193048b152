package edge

import (
	// The services' schemas, whose policies decide what is public: they register themselves.
	_ "github.com/taproom-shop/taproom/gen/go/taproom/cart/v1"
	_ "github.com/taproom-shop/taproom/gen/go/taproom/catalog/v1"
	_ "github.com/taproom-shop/taproom/gen/go/taproom/inventory/v1"
	_ "github.com/taproom-shop/taproom/gen/go/taproom/notification/v1"
	_ "github.com/taproom-shop/taproom/gen/go/taproom/order/v1"
	_ "github.com/taproom-shop/taproom/gen/go/taproom/payment/v1"
	_ "github.com/taproom-shop/taproom/gen/go/taproom/shipping/v1"
	_ "github.com/taproom-shop/taproom/gen/go/taproom/user/v1"
)
