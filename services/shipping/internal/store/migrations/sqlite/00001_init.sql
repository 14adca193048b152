-- +goose Up
CREATE TABLE shipments (
    id         text     NOT NULL PRIMARY KEY,
    order_id   text     NOT NULL,
    user_id    text     NOT NULL,
    method_id  text     NOT NULL,
    state      text     NOT NULL CHECK (state IN ('CREATED', 'ASSEMBLING', 'ASSEMBLED', 'HANDED_OVER', 'DELIVERED', 'STOPPED', 'RETURNING', 'RETURNED')),
    reason     text     NOT NULL,
    answered   integer  NOT NULL,
    step       integer  NOT NULL,
    progress   integer  NOT NULL CHECK (progress BETWEEN 0 AND 100),
    carried_by text     NOT NULL CHECK (carried_by IN ('', 'COURIER', 'STAFF', 'PICK_UP', 'CARRIER')),
    carrier    text     NOT NULL,
    reference  text     NOT NULL,
    version    integer  NOT NULL,
    created_at datetime NOT NULL,
    updated_at datetime NOT NULL
);
CREATE UNIQUE INDEX shipment_order_id ON shipments (order_id);
CREATE INDEX shipment_state_id ON shipments (state, id);
CREATE INDEX shipment_in_warehouse ON shipments (state, updated_at) WHERE state IN ('CREATED', 'ASSEMBLING');

CREATE TABLE shipping_methods (
    id          text    NOT NULL PRIMARY KEY,
    name        text    NOT NULL,
    description text    NOT NULL,
    rate        integer NOT NULL CHECK (rate >= 0),
    free_from   integer NOT NULL CHECK (free_from >= 0),
    currency    text    NOT NULL,
    days        integer NOT NULL CHECK (days > 0),
    countries   json    NOT NULL
);
INSERT INTO shipping_methods (id, name, description, rate, free_from, currency, days, countries) VALUES
    ('standard', 'Standard', 'To your door in about three days.', 490, 6000, 'EUR', 3,
     '["AT","BE","BG","HR","CY","CZ","DK","EE","FI","FR","DE","GR","HU","IE","IT","LV","LT","LU","MT","NL","PL","PT","RO","SK","SI","ES","SE","GB","CH","NO"]'),
    ('express', 'Express', 'To your door the next day.', 990, 0, 'EUR', 1,
     '["AT","BE","BG","HR","CY","CZ","DK","EE","FI","FR","DE","GR","HU","IE","IT","LV","LT","LU","MT","NL","PL","PT","RO","SK","SI","ES","SE","GB","CH","NO"]'),
    ('pickup-locker', 'Pick-up locker', 'Wait for no courier: collect it from a locker near you, at any hour.', 290, 0, 'EUR', 4,
     '["AT","BE","BG","HR","CY","CZ","DK","EE","FI","FR","DE","GR","HU","IE","IT","LV","LT","LU","MT","NL","PL","PT","RO","SK","SI","ES","SE"]');
