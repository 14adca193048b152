-- +goose Up
CREATE TABLE shipments (
    id character varying NOT NULL PRIMARY KEY,
    order_id character varying NOT NULL,
    user_id character varying NOT NULL,
    method_id character varying NOT NULL,
    state character varying NOT NULL CHECK (state IN ('CREATED', 'ASSEMBLING', 'ASSEMBLED', 'HANDED_OVER', 'DELIVERED', 'STOPPED', 'RETURNING', 'RETURNED')),
    reason character varying NOT NULL,
    answered bigint NOT NULL,
    step integer NOT NULL,
    progress integer NOT NULL CHECK (progress BETWEEN 0 AND 100),
    carried_by character varying NOT NULL CHECK (carried_by IN ('', 'COURIER', 'STAFF', 'PICK_UP', 'CARRIER')),
    carrier character varying NOT NULL,
    reference character varying NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX shipment_order_id ON shipments (order_id);
CREATE INDEX shipment_state_id ON shipments (state, id);
CREATE INDEX shipment_in_warehouse ON shipments (state, updated_at) WHERE state IN ('CREATED', 'ASSEMBLING');

CREATE TABLE shipping_methods (
    id character varying NOT NULL PRIMARY KEY,
    name character varying NOT NULL,
    description character varying NOT NULL,
    rate bigint NOT NULL CHECK (rate >= 0),
    free_from bigint NOT NULL CHECK (free_from >= 0),
    currency character varying NOT NULL,
    days integer NOT NULL CHECK (days > 0),
    countries jsonb NOT NULL
);
INSERT INTO shipping_methods (id, name, description, rate, free_from, currency, days, countries) VALUES
    ('standard', 'Standard', 'To your door in about three days.', 490, 6000, 'EUR', 3,
     '["AT","BE","BG","HR","CY","CZ","DK","EE","FI","FR","DE","GR","HU","IE","IT","LV","LT","LU","MT","NL","PL","PT","RO","SK","SI","ES","SE","GB","CH","NO"]'),
    ('express', 'Express', 'To your door the next day.', 990, 0, 'EUR', 1,
     '["AT","BE","BG","HR","CY","CZ","DK","EE","FI","FR","DE","GR","HU","IE","IT","LV","LT","LU","MT","NL","PL","PT","RO","SK","SI","ES","SE","GB","CH","NO"]'),
    ('pickup-locker', 'Pick-up locker', 'Wait for no courier: collect it from a locker near you, at any hour.', 290, 0, 'EUR', 4,
     '["AT","BE","BG","HR","CY","CZ","DK","EE","FI","FR","DE","GR","HU","IE","IT","LV","LT","LU","MT","NL","PL","PT","RO","SK","SI","ES","SE"]');
