-- Tenants are separated here, not by WHERE clauses. FORCE binds the tables' owner too.
ALTER TABLE web_conversations ENABLE ROW LEVEL SECURITY;
ALTER TABLE web_conversations FORCE ROW LEVEL SECURITY;
ALTER TABLE web_conversation_messages ENABLE ROW LEVEL SECURITY;
ALTER TABLE web_conversation_messages FORCE ROW LEVEL SECURITY;

-- NULLIF: a setting that was set once in a session is '' afterwards, not NULL.
CREATE POLICY tenant ON web_conversations
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);
CREATE POLICY tenant ON web_conversation_messages
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);

-- The sweep looks across tenants, at pending rows only and never at what was said.
CREATE POLICY sweep ON web_conversation_messages FOR SELECT TO konstruct_sweeper USING (status = 'pending');
GRANT SELECT (tenant_id, conversation_id, turn_id, attempt, status, created_at) ON web_conversation_messages TO konstruct_sweeper;

CREATE FUNCTION pending_turns(older_than interval, after_created_at timestamptz, after_turn_id uuid, most integer)
    RETURNS TABLE (tenant_id uuid, conversation_id uuid, turn_id uuid, attempt integer, created_at timestamptz, age interval)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
        SELECT m.tenant_id, m.conversation_id, m.turn_id, m.attempt, m.created_at, now() - m.created_at
        FROM public.web_conversation_messages m
        WHERE m.status = 'pending'
          AND m.created_at < now() - older_than
          AND (m.created_at, m.turn_id) > (after_created_at, after_turn_id)
        ORDER BY m.created_at, m.turn_id
        LIMIT most
    $$;
REVOKE ALL ON FUNCTION pending_turns(interval, timestamptz, uuid, integer) FROM PUBLIC;
