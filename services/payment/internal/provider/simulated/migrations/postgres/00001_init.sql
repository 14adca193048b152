-- +goose Up
CREATE TABLE simulated_cards (
  token      varchar NOT NULL PRIMARY KEY,
  behaves    varchar NOT NULL,
  exp_month  bigint NOT NULL,
  exp_year   bigint NOT NULL,
  created_at timestamptz NOT NULL
);

CREATE TABLE simulated_operations (
  op_key     varchar NOT NULL PRIMARY KEY,
  notice_id  varchar NOT NULL,
  kind       varchar NOT NULL CHECK (kind IN ('authorize', 'charge', 'capture', 'void', 'refund')),
  of_key     varchar NOT NULL DEFAULT '',
  token      varchar NOT NULL,
  amount     bigint NOT NULL CHECK (amount >= 0),
  status     varchar NOT NULL CHECK (status IN ('succeeded', 'declined')),
  reason     varchar NOT NULL DEFAULT '',
  ready_at   timestamptz NOT NULL,
  notices    bigint NOT NULL DEFAULT 0,
  notice_at  timestamptz NOT NULL,
  tries      bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL
);
-- What is held is taken or let go once; what was taken goes back once.
CREATE UNIQUE INDEX simulated_resolved ON simulated_operations (of_key) WHERE kind IN ('capture', 'void') AND status = 'succeeded';
CREATE UNIQUE INDEX simulated_refunded ON simulated_operations (of_key) WHERE kind = 'refund' AND status = 'succeeded';
CREATE INDEX simulated_notices ON simulated_operations (notice_at) WHERE notices > 0;

CREATE TABLE simulated_failures (
  op_key varchar NOT NULL PRIMARY KEY,
  times  bigint NOT NULL
);
