CREATE TABLE IF NOT EXISTS {schema}migration_tracking (
    id SERIAL PRIMARY KEY,
    legacy_task_id VARCHAR(255),
    maos_task_id VARCHAR(255),
    migration_date TIMESTAMP DEFAULT NOW(),
    status VARCHAR(50),
    performance_comparison JSONB
);
ALTER TABLE {schema}migration_tracking ADD COLUMN IF NOT EXISTS source VARCHAR(255);
CREATE TABLE IF NOT EXISTS {schema}migration_run (
    source VARCHAR(255) PRIMARY KEY,
    format BIGINT NOT NULL,
    place TEXT NOT NULL,
    mapping TEXT NOT NULL,
    state TEXT NOT NULL,
    started TEXT NOT NULL,
    boundary TEXT,
    hash TEXT
);
CREATE TABLE IF NOT EXISTS {schema}migration_chunk (
    source VARCHAR(255) NOT NULL,
    seq BIGINT NOT NULL,
    after_key TEXT,
    upto_key TEXT NOT NULL,
    rows_in BIGINT NOT NULL,
    rows_out BIGINT NOT NULL,
    quarantined BIGINT NOT NULL,
    hash TEXT,
    token BIGINT NOT NULL,
    committed_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (source, seq)
);
CREATE TABLE IF NOT EXISTS {schema}migration_quarantine (
    source VARCHAR(255) NOT NULL,
    legacy_key TEXT COLLATE "C" NOT NULL,
    ordinal BIGINT NOT NULL,
    reason TEXT NOT NULL,
    raw TEXT NOT NULL,
    PRIMARY KEY (source, legacy_key, ordinal)
);
CREATE TABLE IF NOT EXISTS {schema}migration_lease (
    source VARCHAR(255) PRIMARY KEY,
    token BIGINT NOT NULL,
    holder TEXT NOT NULL,
    session TEXT NOT NULL,
    taken_at TIMESTAMPTZ NOT NULL,
    beat_at TIMESTAMPTZ NOT NULL,
    released BOOLEAN NOT NULL,
    note TEXT
);
