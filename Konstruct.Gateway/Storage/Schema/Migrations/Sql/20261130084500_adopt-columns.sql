-- Columns for the tables of the original gateway. Constant defaults rewrite no row, and the original's statements go on: they name their columns.
ALTER TABLE web_conversations ADD COLUMN IF NOT EXISTS title text;
ALTER TABLE web_conversation_messages
    ADD COLUMN IF NOT EXISTS turn_id uuid,
    ADD COLUMN IF NOT EXISTS status text NOT NULL DEFAULT 'completed',
    ADD COLUMN IF NOT EXISTS attempt integer NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS client_message_id text;
DO $$
DECLARE
    bare record;
BEGIN
    FOR bare IN SELECT attrelid::regclass AS relation, attname FROM pg_attribute
        WHERE attrelid IN ('web_conversations'::regclass, 'web_conversation_messages'::regclass) AND attname IN ('created_at', 'updated_at') AND NOT atthasdef
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT now()', bare.relation, bare.attname);
    END LOOP;
END
$$;
-- Without lz4, PostgreSQL compresses by its own method.
DO $$
BEGIN
    ALTER TABLE web_conversation_messages ALTER COLUMN content SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    NULL;
END
$$;
-- An interrupted CREATE INDEX CONCURRENTLY leaves an index that answers nothing and is in the way of the next one.
DO $$
DECLARE
    broken regclass;
BEGIN
    FOR broken IN SELECT i.indexrelid::regclass FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE i.indrelid IN ('web_conversations'::regclass, 'web_conversation_messages'::regclass) AND NOT i.indisvalid
          AND (c.relname = 'ix_messages_answers' OR starts_with(c.relname, 'IX_web_conversation'))
    LOOP
        EXECUTE format('DROP INDEX %s', broken);
    END LOOP;
END
$$;
