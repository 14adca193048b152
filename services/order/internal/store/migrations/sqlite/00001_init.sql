-- +goose Up
CREATE TABLE orders (
    id                 text     NOT NULL PRIMARY KEY,
    user_id            text     NOT NULL,
    request_id         text     NOT NULL,
    request_digest     blob     NOT NULL,
    cart_version       integer  NOT NULL,
    number             integer  NOT NULL,
    checkout_open      bool     NOT NULL DEFAULT true,
    state              text     NOT NULL,
    reason             text     NOT NULL DEFAULT '',
    stock              text     NOT NULL DEFAULT '',
    money              text     NOT NULL DEFAULT '',
    confirmed          bool     NOT NULL DEFAULT false,
    cancel_request     integer  NOT NULL DEFAULT 0,
    requested_reason   text     NOT NULL DEFAULT '',
    recall             bool     NOT NULL DEFAULT false,
    subtotal           integer  NOT NULL CHECK (subtotal >= 0),
    shipping           integer  NOT NULL CHECK (shipping >= 0),
    total              integer  NOT NULL CHECK (total = subtotal + shipping),
    currency           text     NOT NULL,
    shipping_method_id text     NOT NULL,
    card_id            text     NOT NULL,
    address            json     NOT NULL,
    placed_at          datetime NOT NULL,
    updated_at         datetime NOT NULL,
    expires_at         datetime NOT NULL,
    version            integer  NOT NULL,
    timeline_len       integer  NOT NULL
);
CREATE UNIQUE INDEX order_user_id_request_id ON orders (user_id, request_id);
CREATE UNIQUE INDEX order_open_checkout ON orders (user_id) WHERE checkout_open;
CREATE UNIQUE INDEX order_user_id_number ON orders (user_id, number);
CREATE INDEX order_user_id_id ON orders (user_id, id);
CREATE INDEX order_state_expires_at ON orders (state, expires_at);

CREATE TABLE customers (
    user_id    text     NOT NULL PRIMARY KEY,
    hold_id    text     NOT NULL,
    held_until datetime NOT NULL
);

CREATE TABLE order_lines (
    id         integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    order_id   text    NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    beer_id    text    NOT NULL,
    beer_name  text    NOT NULL,
    quantity   integer NOT NULL CHECK (quantity > 0),
    unit_price integer NOT NULL CHECK (unit_price >= 0)
);
CREATE UNIQUE INDEX line_order_id_beer_id ON order_lines (order_id, beer_id);

CREATE TABLE order_timeline (
    id          integer  NOT NULL PRIMARY KEY AUTOINCREMENT,
    order_id    text     NOT NULL,
    number      integer  NOT NULL,
    type        text     NOT NULL,
    state       text     NOT NULL,
    event_id    text     NOT NULL,
    occurred_at datetime NOT NULL
);
CREATE UNIQUE INDEX timelineentry_order_id_number ON order_timeline (order_id, number);
