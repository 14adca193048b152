-- +goose Up
CREATE TABLE stock (
    beer_id  text    NOT NULL PRIMARY KEY,
    on_hand  integer NOT NULL CHECK (on_hand >= 0),
    reserved integer NOT NULL CHECK (reserved BETWEEN 0 AND on_hand),
    version  integer NOT NULL
);

CREATE TABLE reservations (
    order_id   text     NOT NULL PRIMARY KEY,
    state      text     NOT NULL,
    returned   bool     NOT NULL DEFAULT false,
    created_at datetime NOT NULL,
    updated_at datetime NOT NULL
);
CREATE INDEX reservation_open ON reservations (created_at) WHERE state = 'OPEN';

CREATE TABLE reservation_lines (
    id       integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    order_id text    NOT NULL,
    beer_id  text    NOT NULL,
    quantity integer NOT NULL CHECK (quantity > 0)
);
CREATE UNIQUE INDEX reservationline_order_id_beer_id ON reservation_lines (order_id, beer_id);
CREATE INDEX reservationline_beer_id ON reservation_lines (beer_id);

CREATE TABLE movements (
    id         text     NOT NULL PRIMARY KEY,
    beer_id    text     NOT NULL,
    kind       text     NOT NULL,
    quantity   integer  NOT NULL CHECK (quantity <> 0),
    order_id   text     NOT NULL,
    note       text     NOT NULL,
    lot        text     NOT NULL,
    actor_id   text     NOT NULL,
    created_at datetime NOT NULL
);
CREATE UNIQUE INDEX movement_of_order ON movements (order_id, beer_id, kind) WHERE order_id <> '';
CREATE INDEX movement_beer_id_id ON movements (beer_id, id);
