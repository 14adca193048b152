-- +goose Up
CREATE TABLE mailboxes (
    user_id     text    NOT NULL PRIMARY KEY,
    last_number integer NOT NULL,
    read_up_to  integer NOT NULL
);

CREATE TABLE notifications (
    id         integer  NOT NULL PRIMARY KEY AUTOINCREMENT,
    user_id    text     NOT NULL,
    number     integer  NOT NULL,
    event_id   text     NOT NULL,
    type       text     NOT NULL,
    order_id   text     NOT NULL,
    state      text     NOT NULL,
    version    integer  NOT NULL,
    title      text     NOT NULL,
    created_at datetime NOT NULL
);
CREATE UNIQUE INDEX notification_user_id_number ON notifications (user_id, number);
CREATE UNIQUE INDEX notification_user_id_event_id ON notifications (user_id, event_id);
