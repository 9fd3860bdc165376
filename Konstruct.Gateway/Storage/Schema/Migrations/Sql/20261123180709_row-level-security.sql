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
