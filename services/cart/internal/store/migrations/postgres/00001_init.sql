-- +goose Up
CREATE TABLE carts (
    id character varying NOT NULL PRIMARY KEY,
    guest boolean NOT NULL,
    items jsonb NOT NULL,
    version bigint NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX cart_guest_age ON carts (updated_at) WHERE guest;
