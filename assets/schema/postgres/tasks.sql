CREATE TABLE {schema}{tasks} (
    id UUID PRIMARY KEY,
    description TEXT NOT NULL,
    task_type VARCHAR(50) NOT NULL DEFAULT 'general',
    status VARCHAR(50) NOT NULL,
    priority VARCHAR(50) NOT NULL DEFAULT 'NORMAL',
    created_at TIMESTAMPTZ,
    metadata JSONB NOT NULL DEFAULT '{}'
);
