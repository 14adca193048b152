-- +goose Up
CREATE TABLE breweries (
    id          text    NOT NULL PRIMARY KEY,
    name        text    NOT NULL,
    city        text    NOT NULL,
    country     text    NOT NULL,
    founded     integer NOT NULL,
    description text    NOT NULL
);

CREATE TABLE styles (
    id          text    NOT NULL PRIMARY KEY,
    name        text    NOT NULL,
    family      text    NOT NULL,
    description text    NOT NULL,
    abv_min     real    NOT NULL,
    abv_max     real    NOT NULL,
    ibu_min     integer NOT NULL,
    ibu_max     integer NOT NULL,
    srm_min     real    NOT NULL,
    srm_max     real    NOT NULL
);

CREATE TABLE beers (
    id                text     NOT NULL PRIMARY KEY,
    slug              text     NOT NULL,
    name              text     NOT NULL,
    sort_name         text     NOT NULL,
    brewery_id        text     NOT NULL,
    style_id          text     NOT NULL,
    description       text     NOT NULL,
    abv               real     NOT NULL CHECK (abv >= 0),
    ibu               integer  NOT NULL CHECK (ibu >= 0),
    srm               real     NOT NULL CHECK (srm >= 0),
    format            text     NOT NULL CHECK (format IN ('BOTTLE', 'CAN', 'KEG')),
    volume_ml         integer  NOT NULL CHECK (volume_ml > 0),
    price_minor_units integer  NOT NULL CHECK (price_minor_units > 0),
    currency          text     NOT NULL DEFAULT ('EUR') CHECK (currency = 'EUR'),
    category          text     NOT NULL,
    picture_hash      text     NOT NULL DEFAULT (''),
    archived          bool     NOT NULL DEFAULT (false),
    version           integer  NOT NULL DEFAULT (1) CHECK (version > 0),
    created_at        datetime NOT NULL,
    CONSTRAINT beers_breweries_brewery FOREIGN KEY (brewery_id) REFERENCES breweries (id) ON DELETE NO ACTION,
    CONSTRAINT beers_styles_style FOREIGN KEY (style_id) REFERENCES styles (id) ON DELETE NO ACTION
);
CREATE UNIQUE INDEX beers_slug_key ON beers (slug);
CREATE INDEX beer_brewery_id ON beers (brewery_id);
CREATE INDEX beer_style_id ON beers (style_id);
-- The orders of the list; the id makes each of them total.
CREATE INDEX beers_by_name ON beers (sort_name, id) WHERE NOT archived;
CREATE INDEX beers_by_price ON beers (price_minor_units, id) WHERE NOT archived;
CREATE INDEX beers_by_abv ON beers (abv, id) WHERE NOT archived;
CREATE INDEX beers_by_age ON beers (created_at, id) WHERE NOT archived;

CREATE TABLE beer_tags (
    id      integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    beer_id text    NOT NULL,
    tag     text    NOT NULL,
    CONSTRAINT beer_tags_beers_tags FOREIGN KEY (beer_id) REFERENCES beers (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX beertag_beer_id_tag ON beer_tags (beer_id, tag);
CREATE INDEX beertag_tag_beer_id ON beer_tags (tag, beer_id);

CREATE TABLE pictures (
    id           integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    beer_id      text    NOT NULL,
    hash         text    NOT NULL,
    content_type text    NOT NULL,
    data         blob    NOT NULL,
    CONSTRAINT pictures_beers_beer FOREIGN KEY (beer_id) REFERENCES beers (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX picture_beer_id_hash ON pictures (beer_id, hash);

-- One row. revision grows with each transaction that changes the catalogue; updating it is also the lock that makes such
-- transactions take turns.
CREATE TABLE catalogue (
    id       integer NOT NULL PRIMARY KEY CHECK (id = 1),
    revision integer NOT NULL
);
INSERT INTO catalogue (id, revision) VALUES (1, 1);

-- What a beer is found by: words as domain.Words makes them, separated by spaces.
CREATE TABLE beer_texts (
    id          integer NOT NULL PRIMARY KEY,
    beer_id     text    NOT NULL UNIQUE REFERENCES beers (id) ON DELETE CASCADE,
    name        text    NOT NULL,
    labels      text    NOT NULL, -- names of brewery and style
    description text    NOT NULL
);
CREATE VIRTUAL TABLE beer_search USING fts5 (
    name, labels, description,
    content = 'beer_texts', content_rowid = 'id',
    tokenize = 'unicode61 remove_diacritics 0', prefix = '2 3'
);
-- +goose StatementBegin
CREATE TRIGGER beer_texts_inserted AFTER INSERT ON beer_texts BEGIN
    INSERT INTO beer_search (rowid, name, labels, description) VALUES (new.id, new.name, new.labels, new.description);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER beer_texts_deleted AFTER DELETE ON beer_texts BEGIN
    INSERT INTO beer_search (beer_search, rowid, name, labels, description)
    VALUES ('delete', old.id, old.name, old.labels, old.description);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER beer_texts_updated AFTER UPDATE ON beer_texts BEGIN
    INSERT INTO beer_search (beer_search, rowid, name, labels, description)
    VALUES ('delete', old.id, old.name, old.labels, old.description);
    INSERT INTO beer_search (rowid, name, labels, description) VALUES (new.id, new.name, new.labels, new.description);
END;
-- +goose StatementEnd
