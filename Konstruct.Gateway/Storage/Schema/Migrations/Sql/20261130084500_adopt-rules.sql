-- The original's policies say the same as those below; the gateway's guard knows only these. NOT VALID: old rows are checked later, without a lock.
DO $$
DECLARE
    old record;
BEGIN
    FOR old IN SELECT polname, polrelid::regclass AS relation FROM pg_policy
        WHERE polrelid IN ('web_conversations'::regclass, 'web_conversation_messages'::regclass)
    LOOP
        EXECUTE format('DROP POLICY %I ON %s', old.polname, old.relation);
    END LOOP;
END
$$;
ALTER TABLE web_conversations FORCE ROW LEVEL SECURITY;
ALTER TABLE web_conversation_messages FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON web_conversations
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
CREATE POLICY tenant ON web_conversation_messages
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
ALTER TABLE web_conversation_messages
    DROP CONSTRAINT IF EXISTS "FK_web_conversation_messages_web_conversations_tenant_id_conve~",
    ADD CONSTRAINT "FK_web_conversation_messages_web_conversations_tenant_id_conve~" FOREIGN KEY (tenant_id, conversation_id)
        REFERENCES web_conversations (tenant_id, id) ON DELETE CASCADE NOT VALID,
    DROP CONSTRAINT IF EXISTS ck_messages_status,
    ADD CONSTRAINT ck_messages_status CHECK (status IN ('completed', 'cancelled', 'failed')) NOT VALID;
