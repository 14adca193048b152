-- +goose Up
CREATE TABLE simulated_cards (
  token      text NOT NULL PRIMARY KEY,
  behaves    text NOT NULL,
  exp_month  integer NOT NULL,
  exp_year   integer NOT NULL,
  created_at datetime NOT NULL
);

CREATE TABLE simulated_operations (
  op_key     text NOT NULL PRIMARY KEY,
  notice_id  text NOT NULL,
  kind       text NOT NULL CHECK (kind IN ('authorize', 'charge', 'capture', 'void', 'refund')),
  of_key     text NOT NULL DEFAULT '',
  token      text NOT NULL,
  amount     integer NOT NULL CHECK (amount >= 0),
  status     text NOT NULL CHECK (status IN ('succeeded', 'declined')),
  reason     text NOT NULL DEFAULT '',
  ready_at   datetime NOT NULL,
  notices    integer NOT NULL DEFAULT 0,
  notice_at  datetime NOT NULL,
  tries      integer NOT NULL DEFAULT 0,
  created_at datetime NOT NULL
);
-- What is held is taken or let go once; what was taken goes back once.
CREATE UNIQUE INDEX simulated_resolved ON simulated_operations (of_key) WHERE kind IN ('capture', 'void') AND status = 'succeeded';
CREATE UNIQUE INDEX simulated_refunded ON simulated_operations (of_key) WHERE kind = 'refund' AND status = 'succeeded';
CREATE INDEX simulated_notices ON simulated_operations (notice_at) WHERE notices > 0;

CREATE TABLE simulated_failures (
  op_key text NOT NULL PRIMARY KEY,
  times  integer NOT NULL
);
