-- +goose Up
CREATE TABLE wallets (
  user_id    text NOT NULL PRIMARY KEY,
  currency   text NOT NULL,
  balance    integer NOT NULL DEFAULT 0 CHECK (balance >= 0),
  held       integer NOT NULL DEFAULT 0 CHECK (held >= 0),
  incoming   integer NOT NULL DEFAULT 0 CHECK (incoming >= 0),
  version    integer NOT NULL DEFAULT 0,
  hold_id    varchar NOT NULL DEFAULT '',
  held_until datetime NULL,
  updated_at datetime NOT NULL,
  CONSTRAINT wallet_not_overdrawn CHECK (held <= balance)
);

CREATE TABLE transfers (
  id         text NOT NULL PRIMARY KEY,
  kind       text NOT NULL CHECK (kind IN ('TOP_UP', 'HOLD', 'CAPTURE', 'VOID', 'REFUND')),
  reference  text NOT NULL,
  resolves   text NULL CHECK ((resolves IS NOT NULL) = (kind IN ('CAPTURE', 'VOID'))),
  wallet_id  text NOT NULL DEFAULT '',
  amount     integer NOT NULL CHECK (amount > 0),
  currency   text NOT NULL,
  created_at datetime NOT NULL
);
-- An order is held, captured, voided and refunded at most once, a top-up booked once; a hold is resolved once.
CREATE UNIQUE INDEX transfer_reference_kind ON transfers (reference, kind);
CREATE UNIQUE INDEX transfers_resolves_key ON transfers (resolves);
CREATE INDEX transfer_wallet_id_id ON transfers (wallet_id, id);

CREATE TABLE entries (
  id          integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  transfer_id text NOT NULL,
  account     text NOT NULL CHECK (account IN ('wallets', 'card_clearing', 'revenue')),
  wallet_id   text NOT NULL DEFAULT '' CHECK ((wallet_id <> '') = (account = 'wallets')),
  currency    text NOT NULL,
  posted      integer NOT NULL,
  pending     integer NOT NULL
);
CREATE UNIQUE INDEX entry_transfer_id_account_wallet_id ON entries (transfer_id, account, wallet_id);

-- The ledger only grows.
-- +goose StatementBegin
CREATE TRIGGER transfers_no_update BEFORE UPDATE ON transfers BEGIN
  SELECT RAISE(ABORT, 'the ledger is immutable: book a new transfer');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER transfers_no_delete BEFORE DELETE ON transfers BEGIN
  SELECT RAISE(ABORT, 'the ledger is immutable: book a new transfer');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries BEGIN
  SELECT RAISE(ABORT, 'the ledger is immutable: book a new transfer');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries BEGIN
  SELECT RAISE(ABORT, 'the ledger is immutable: book a new transfer');
END;
-- +goose StatementEnd

CREATE TABLE payments (
  id               text NOT NULL PRIMARY KEY,
  order_id         text NOT NULL,
  user_id          text NOT NULL,
  method           text NOT NULL CHECK (method IN ('', 'wallet', 'card')),
  state            text NOT NULL CHECK (state IN ('AUTHORIZING', 'AUTHORIZED', 'DECLINED', 'CAPTURING', 'CAPTURED',
                                                 'VOIDING', 'VOIDED', 'REFUNDING', 'REFUNDED')),
  amount           integer NOT NULL,
  currency         text NOT NULL,
  captured         integer NOT NULL DEFAULT 0,
  refunded         integer NOT NULL DEFAULT 0,
  cancel_requested bool NOT NULL DEFAULT false,
  decline_reason   text NOT NULL DEFAULT '',
  card_token       text NOT NULL DEFAULT '',
  hold_id          text NOT NULL DEFAULT '',
  created_at       datetime NOT NULL,
  updated_at       datetime NOT NULL,
  CONSTRAINT payment_captured CHECK (captured = CASE WHEN state IN ('CAPTURED', 'REFUNDING', 'REFUNDED') THEN amount ELSE 0 END),
  CONSTRAINT payment_refunded CHECK (refunded = CASE WHEN state = 'REFUNDED' THEN amount ELSE 0 END)
);
-- An order is paid once.
CREATE UNIQUE INDEX payments_order_id_key ON payments (order_id);
CREATE INDEX payment_under_way ON payments (state) WHERE state IN ('AUTHORIZING', 'AUTHORIZED', 'CAPTURING', 'VOIDING', 'REFUNDING');

CREATE TABLE intents (
  id              text NOT NULL PRIMARY KEY,
  subject_id      text NOT NULL,
  operation       text NOT NULL CHECK (operation IN ('AUTHORIZE', 'CAPTURE', 'VOID', 'REFUND', 'CHARGE')),
  open            bool NOT NULL DEFAULT true,
  attempts        integer NOT NULL DEFAULT 0,
  next_attempt_at datetime NOT NULL,
  last_error      text NOT NULL DEFAULT '',
  created_at      datetime NOT NULL,
  updated_at      datetime NOT NULL
);
CREATE UNIQUE INDEX intent_subject_id_operation ON intents (subject_id, operation);
CREATE INDEX intent_due ON intents (next_attempt_at) WHERE open;

CREATE TABLE top_ups (
  id             text NOT NULL PRIMARY KEY,
  user_id        text NOT NULL,
  request_id     text NOT NULL,
  card_id        text NOT NULL,
  card_token     text NOT NULL,
  amount         integer NOT NULL CHECK (amount > 0),
  currency       text NOT NULL,
  state          text NOT NULL CHECK (state IN ('PENDING', 'DONE', 'DECLINED')),
  decline_reason text NOT NULL DEFAULT '',
  wallet_balance integer NOT NULL DEFAULT 0,
  wallet_held    integer NOT NULL DEFAULT 0,
  wallet_version integer NOT NULL DEFAULT 0,
  created_at     datetime NOT NULL,
  updated_at     datetime NOT NULL
);
CREATE UNIQUE INDEX topup_user_id_request_id ON top_ups (user_id, request_id);
CREATE INDEX topup_pending ON top_ups (user_id) WHERE state = 'PENDING';

CREATE TABLE cards (
  id         text NOT NULL PRIMARY KEY,
  user_id    text NOT NULL,
  token      text NOT NULL,
  brand      text NOT NULL,
  last4      text NOT NULL CHECK (length(last4) = 4),
  exp_month  integer NOT NULL,
  exp_year   integer NOT NULL,
  created_at datetime NOT NULL
);
CREATE INDEX card_user_id_id ON cards (user_id, id);
