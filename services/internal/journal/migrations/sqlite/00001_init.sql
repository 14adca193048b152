-- +goose Up
CREATE TABLE outbox (
    seq          integer PRIMARY KEY AUTOINCREMENT,
    id           text NOT NULL UNIQUE,
    subject      text NOT NULL,
    stream       text NOT NULL,
    aggregate    text NOT NULL,
    type         text NOT NULL,
    payload      blob NOT NULL,
    headers      text NOT NULL,
    created_at   datetime NOT NULL,
    published_at datetime,
    attempts     integer NOT NULL DEFAULT 0,
    last_error   text NOT NULL DEFAULT '',
    set_aside_at datetime
);
CREATE INDEX outbox_pending ON outbox (seq) WHERE published_at IS NULL;
CREATE INDEX outbox_set_aside ON outbox (aggregate, seq) WHERE published_at IS NULL AND set_aside_at IS NOT NULL;
CREATE INDEX outbox_published ON outbox (published_at) WHERE published_at IS NOT NULL;

CREATE TABLE inbox (
    consumer    text NOT NULL,
    event_id    text NOT NULL,
    received_at datetime NOT NULL,
    PRIMARY KEY (consumer, event_id)
) WITHOUT ROWID;
CREATE INDEX inbox_received ON inbox (received_at);

CREATE TABLE requests (
    caller     text NOT NULL,
    method     text NOT NULL,
    request_id text NOT NULL,
    digest     blob NOT NULL,
    response   blob,
    created_at datetime NOT NULL,
    expires_at datetime,
    PRIMARY KEY (caller, method, request_id)
);
CREATE INDEX requests_expire ON requests (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE leases (
    name       text PRIMARY KEY,
    holder     text NOT NULL,
    expires_at datetime NOT NULL
) WITHOUT ROWID;
