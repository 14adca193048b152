-- +goose Up

-- The state of each account. A deleted one keeps its row, without personal data.
CREATE TABLE users (
    id character varying NOT NULL PRIMARY KEY,
    email character varying NULL,
    email_key character varying NULL,
    display_name character varying NOT NULL,
    role character varying NOT NULL CHECK (role IN ('CUSTOMER', 'STAFF')),
    version bigint NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz NULL,
    CHECK ((deleted_at IS NULL) = (email IS NOT NULL)),
    CHECK ((email IS NULL) = (email_key IS NULL)),
    CHECK (deleted_at IS NULL OR display_name = '')
);
CREATE UNIQUE INDEX user_email_key ON users (email_key);
CREATE INDEX user_staff ON users (id) WHERE role = 'STAFF';

-- What happened to each account. Rows are only ever added.
CREATE TABLE user_events (
    id character varying NOT NULL PRIMARY KEY,
    user_id character varying NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    type character varying NOT NULL,
    actor_id character varying NOT NULL,
    role character varying NOT NULL DEFAULT '',
    sealed bytea NULL,
    occurred_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX userevent_user_id_version ON user_events (user_id, version);

-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are only ever added', TG_TABLE_NAME;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER user_events_append_only BEFORE UPDATE OR DELETE ON user_events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The key of each person's events, encrypted with the master key. Without its row they can't be read.
CREATE TABLE person_keys (
    id character varying NOT NULL PRIMARY KEY,
    wrapped bytea NOT NULL,
    created_at timestamptz NOT NULL
);

-- What passwords are checked against.
CREATE TABLE credentials (
    id character varying NOT NULL PRIMARY KEY,
    hash character varying NOT NULL,
    generation bigint NOT NULL DEFAULT 1,
    changed_at timestamptz NOT NULL
);

-- Sessions of users and guests, and the refresh tokens given out in each.
CREATE TABLE sessions (
    id character varying NOT NULL PRIMARY KEY,
    subject_id character varying NOT NULL,
    guest boolean NOT NULL,
    created_at timestamptz NOT NULL,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz NULL
);
CREATE INDEX session_subject_id ON sessions (subject_id);
CREATE INDEX session_expires_at ON sessions (expires_at);
CREATE INDEX session_ended_at ON sessions (ended_at);

CREATE TABLE refresh_tokens (
    id character varying NOT NULL PRIMARY KEY,
    issued_at timestamptz NOT NULL,
    used_at timestamptz NULL,
    session_id character varying NOT NULL,
    CONSTRAINT refresh_tokens_sessions_tokens FOREIGN KEY (session_id) REFERENCES sessions (id) ON DELETE CASCADE
);
CREATE INDEX refreshtoken_session_id ON refresh_tokens (session_id);

-- Saved addresses, personal data in plain columns; they go with the account.
CREATE TABLE addresses (
    id character varying NOT NULL PRIMARY KEY,
    user_id character varying NOT NULL,
    recipient character varying NOT NULL,
    street character varying NOT NULL,
    city character varying NOT NULL,
    postal_code character varying NOT NULL,
    country character varying NOT NULL,
    phone character varying NOT NULL,
    is_default boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX address_user_id_id ON addresses (user_id, id);
CREATE UNIQUE INDEX address_default ON addresses (user_id) WHERE is_default;
