-- +goose Up
CREATE TABLE carts (
    id         text     NOT NULL PRIMARY KEY,
    guest      bool     NOT NULL,
    items      json     NOT NULL,
    version    integer  NOT NULL,
    updated_at datetime NOT NULL
);
CREATE INDEX cart_guest_age ON carts (updated_at) WHERE guest;
