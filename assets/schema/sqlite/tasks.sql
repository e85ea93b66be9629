CREATE TABLE {tasks} (
    id TEXT PRIMARY KEY NOT NULL,
    description TEXT NOT NULL,
    task_type TEXT NOT NULL DEFAULT 'general',
    status TEXT NOT NULL,
    priority TEXT NOT NULL DEFAULT 'NORMAL',
    created_at TEXT,
    metadata TEXT NOT NULL DEFAULT '{}'
) WITHOUT ROWID;
