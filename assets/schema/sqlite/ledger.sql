CREATE TABLE IF NOT EXISTS migration_tracking (
    id INTEGER PRIMARY KEY,
    legacy_task_id VARCHAR(255),
    maos_task_id VARCHAR(255),
    migration_date TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    status VARCHAR(50),
    performance_comparison JSON,
    source VARCHAR(255)
);
CREATE TABLE IF NOT EXISTS migration_run (
    source TEXT PRIMARY KEY NOT NULL,
    format INTEGER NOT NULL,
    place TEXT NOT NULL,
    mapping TEXT NOT NULL,
    state TEXT NOT NULL,
    started TEXT NOT NULL,
    boundary TEXT,
    hash TEXT
);
CREATE TABLE IF NOT EXISTS migration_chunk (
    source TEXT NOT NULL,
    seq INTEGER NOT NULL,
    after_key TEXT,
    upto_key TEXT NOT NULL,
    rows_in INTEGER NOT NULL,
    rows_out INTEGER NOT NULL,
    quarantined INTEGER NOT NULL,
    hash TEXT,
    token INTEGER NOT NULL,
    committed_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (source, seq)
);
CREATE TABLE IF NOT EXISTS migration_quarantine (
    source TEXT NOT NULL,
    legacy_key TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    reason TEXT NOT NULL,
    raw TEXT NOT NULL,
    PRIMARY KEY (source, legacy_key, ordinal)
);
CREATE TABLE IF NOT EXISTS migration_lease (
    source TEXT PRIMARY KEY NOT NULL,
    token INTEGER NOT NULL,
    holder TEXT NOT NULL,
    session TEXT NOT NULL,
    taken_at INTEGER NOT NULL,
    beat_at INTEGER NOT NULL,
    released INTEGER NOT NULL,
    note TEXT
);
