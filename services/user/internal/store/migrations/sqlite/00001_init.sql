-- +goose Up

-- The state of each account. A deleted one keeps its row, without personal data.
CREATE TABLE users (
    id text NOT NULL PRIMARY KEY,
    email text NULL,
    email_key text NULL,
    display_name text NOT NULL,
    role text NOT NULL CHECK (role IN ('CUSTOMER', 'STAFF')),
    version integer NOT NULL CHECK (version > 0),
    created_at datetime NOT NULL,
    updated_at datetime NOT NULL,
    deleted_at datetime NULL,
    CHECK ((deleted_at IS NULL) = (email IS NOT NULL)),
    CHECK ((email IS NULL) = (email_key IS NULL)),
    CHECK (deleted_at IS NULL OR display_name = '')
);
CREATE UNIQUE INDEX user_email_key ON users (email_key);
CREATE INDEX user_staff ON users (id) WHERE role = 'STAFF';

-- What happened to each account. Rows are only ever added.
CREATE TABLE user_events (
    id text NOT NULL PRIMARY KEY,
    user_id text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    type text NOT NULL,
    actor_id text NOT NULL,
    role text NOT NULL DEFAULT (''),
    sealed blob NULL,
    occurred_at datetime NOT NULL
);
CREATE UNIQUE INDEX userevent_user_id_version ON user_events (user_id, version);

-- +goose StatementBegin
CREATE TRIGGER user_events_no_update BEFORE UPDATE ON user_events
BEGIN
    SELECT RAISE(ABORT, 'rows of user_events are only ever added');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER user_events_no_delete BEFORE DELETE ON user_events
BEGIN
    SELECT RAISE(ABORT, 'rows of user_events are only ever added');
END;
-- +goose StatementEnd

-- The key of each person's events, encrypted with the master key. Without its row they can't be read.
CREATE TABLE person_keys (
    id text NOT NULL PRIMARY KEY,
    wrapped blob NOT NULL,
    created_at datetime NOT NULL
);

-- What passwords are checked against.
CREATE TABLE credentials (
    id text NOT NULL PRIMARY KEY,
    hash text NOT NULL,
    generation integer NOT NULL DEFAULT (1),
    changed_at datetime NOT NULL
);

-- Sessions of users and guests, and the refresh tokens given out in each.
CREATE TABLE sessions (
    id text NOT NULL PRIMARY KEY,
    subject_id text NOT NULL,
    guest bool NOT NULL,
    created_at datetime NOT NULL,
    issued_at datetime NOT NULL,
    expires_at datetime NOT NULL,
    ended_at datetime NULL
);
CREATE INDEX session_subject_id ON sessions (subject_id);
CREATE INDEX session_expires_at ON sessions (expires_at);
CREATE INDEX session_ended_at ON sessions (ended_at);

CREATE TABLE refresh_tokens (
    id text NOT NULL PRIMARY KEY,
    issued_at datetime NOT NULL,
    used_at datetime NULL,
    session_id text NOT NULL,
    CONSTRAINT refresh_tokens_sessions_tokens FOREIGN KEY (session_id) REFERENCES sessions (id) ON DELETE CASCADE
);
CREATE INDEX refreshtoken_session_id ON refresh_tokens (session_id);

-- Saved addresses, personal data in plain columns; they go with the account.
CREATE TABLE addresses (
    id text NOT NULL PRIMARY KEY,
    user_id text NOT NULL,
    recipient text NOT NULL,
    street text NOT NULL,
    city text NOT NULL,
    postal_code text NOT NULL,
    country text NOT NULL,
    phone text NOT NULL,
    is_default bool NOT NULL,
    created_at datetime NOT NULL,
    updated_at datetime NOT NULL
);
CREATE INDEX address_user_id_id ON addresses (user_id, id);
CREATE UNIQUE INDEX address_default ON addresses (user_id) WHERE is_default;
