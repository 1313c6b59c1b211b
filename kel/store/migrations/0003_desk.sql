-- What the desk writes: incidents, orders, stock, costs, and what goes out.

-- One row: the time the desk has decided up to.
CREATE TABLE desk (
    one   boolean PRIMARY KEY DEFAULT true CHECK (one),
    clock timestamptz
);
INSERT INTO desk DEFAULT VALUES;

CREATE TABLE incident (
    id              uuid PRIMARY KEY,
    number          text NOT NULL UNIQUE,
    category        text NOT NULL,
    severity        smallint NOT NULL,
    state           text NOT NULL
        CHECK (state IN ('open', 'acknowledged', 'in_progress', 'resolved', 'closed')),
    cause           text,
    community       text NOT NULL,
    zone            text,
    feeder          text,
    lat             double precision NOT NULL,
    lon             double precision NOT NULL,
    title           text NOT NULL,
    opened_at       timestamptz NOT NULL,
    started_at      timestamptz NOT NULL,
    acknowledged_at timestamptz,
    resolved_at     timestamptz,
    closed_at       timestamptz,
    alerts          uuid[] NOT NULL,
    requests        uuid[] NOT NULL
);
CREATE INDEX ON incident (opened_at);
CREATE INDEX ON incident (state) WHERE state <> 'closed';
CREATE INDEX ON incident USING gin (alerts);

CREATE TABLE incident_event (
    id       uuid PRIMARY KEY,
    incident uuid NOT NULL REFERENCES incident,
    at       timestamptz NOT NULL,
    what     text NOT NULL,
    who      text NOT NULL,
    why      text NOT NULL,
    seq      bigint GENERATED ALWAYS AS IDENTITY -- the order within one moment
);
CREATE INDEX ON incident_event (incident, at);

CREATE TABLE work_order (
    id           uuid PRIMARY KEY,
    number       text NOT NULL UNIQUE,
    incident     uuid NOT NULL REFERENCES incident,
    category     text NOT NULL,
    crew         text NOT NULL,
    people       text[] NOT NULL,
    vehicles     text[] NOT NULL,
    state        text NOT NULL CHECK (state IN
        ('sent', 'accepted', 'arrived', 'completed', 'declined', 'expired', 'withdrawn')),
    lat          double precision NOT NULL,
    lon          double precision NOT NULL,
    made_at      timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    depart_at    timestamptz NOT NULL,
    arrive_at    timestamptz NOT NULL,
    finish_at    timestamptz NOT NULL,
    km           double precision NOT NULL,
    attempt      integer NOT NULL,
    accepted_at  timestamptz,
    arrived_at   timestamptz,
    completed_at timestamptz,
    note         text NOT NULL
);
CREATE INDEX ON work_order (incident);
CREATE INDEX ON work_order (made_at);

CREATE TABLE order_item (
    order_id uuid NOT NULL REFERENCES work_order,
    item     text NOT NULL REFERENCES item,
    place    text NOT NULL,
    planned  numeric NOT NULL CHECK (planned >= 0),
    used     numeric CHECK (used >= 0),
    line     integer NOT NULL, -- where it stands on the order
    PRIMARY KEY (order_id, item, place)
);

CREATE TABLE order_event (
    id       uuid PRIMARY KEY,
    order_id uuid NOT NULL REFERENCES work_order,
    at       timestamptz NOT NULL,
    what     text NOT NULL,
    who      text NOT NULL,
    why      text NOT NULL,
    seq      bigint GENERATED ALWAYS AS IDENTITY
);
CREATE INDEX ON order_event (order_id, at);

-- `reserved` may exceed `on_hand` only by a crew's true report; a plan never makes it so:
-- the desk locks these rows and looks before it reserves.
CREATE TABLE stock (
    place    text NOT NULL,
    item     text NOT NULL REFERENCES item,
    on_hand  numeric NOT NULL CHECK (on_hand >= 0),
    reserved numeric NOT NULL CHECK (reserved >= 0),
    PRIMARY KEY (place, item)
);

CREATE TABLE reservation (
    id       uuid PRIMARY KEY,
    order_id uuid NOT NULL REFERENCES work_order,
    place    text NOT NULL,
    item     text NOT NULL REFERENCES item,
    quantity numeric NOT NULL CHECK (quantity > 0),
    open     boolean NOT NULL
);
CREATE INDEX ON reservation (order_id) WHERE open;

CREATE TABLE movement (
    id       uuid PRIMARY KEY,
    at       timestamptz NOT NULL,
    place    text NOT NULL,
    item     text NOT NULL REFERENCES item,
    quantity numeric NOT NULL,
    kind     text NOT NULL,
    order_id uuid REFERENCES work_order,
    note     text NOT NULL
);
CREATE INDEX ON movement (item, place, at);

CREATE TABLE cost_entry (
    id        uuid PRIMARY KEY,
    at        timestamptz NOT NULL,
    kind      text NOT NULL,
    nature    text NOT NULL CHECK (nature IN ('cash', 'management')),
    amount    numeric(12, 2) NOT NULL,
    quantity  numeric NOT NULL,
    unit      text NOT NULL,
    price     numeric NOT NULL,
    incident  uuid NOT NULL REFERENCES incident,
    order_id  uuid REFERENCES work_order,
    item      text REFERENCES item,
    community text NOT NULL,
    category  text NOT NULL,
    account   text NOT NULL,
    basis     jsonb NOT NULL,
    corrects  uuid REFERENCES cost_entry
);
CREATE INDEX ON cost_entry (at);
CREATE INDEX ON cost_entry (incident);

CREATE TABLE outbox (
    id         uuid PRIMARY KEY,
    topic      text NOT NULL,
    payload    jsonb NOT NULL,
    made_at    timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    sent_at    timestamptz
);
CREATE INDEX outbox_waiting ON outbox (made_at, id) WHERE sent_at IS NULL;

-- Ledgers only grow: a mistake is mended by a new line that names the old one.
CREATE FUNCTION only_append() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is a ledger: add a line that corrects, do not % one', TG_TABLE_NAME, lower(TG_OP);
END $$;
CREATE TRIGGER ledger BEFORE UPDATE OR DELETE OR TRUNCATE ON incident_event
    FOR EACH STATEMENT EXECUTE FUNCTION only_append();
CREATE TRIGGER ledger BEFORE UPDATE OR DELETE OR TRUNCATE ON order_event
    FOR EACH STATEMENT EXECUTE FUNCTION only_append();
CREATE TRIGGER ledger BEFORE UPDATE OR DELETE OR TRUNCATE ON movement
    FOR EACH STATEMENT EXECUTE FUNCTION only_append();
CREATE TRIGGER ledger BEFORE UPDATE OR DELETE OR TRUNCATE ON cost_entry
    FOR EACH STATEMENT EXECUTE FUNCTION only_append();
