-- Turns that have not ended. A turn's row is inserted with the user's message, and deleted when the assistant's is inserted.
CREATE TABLE web_turns (
    conversation_id uuid NOT NULL,
    turn_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    question_id uuid NOT NULL,
    answer_id uuid NOT NULL,
    attempt integer NOT NULL,
    created_at timestamptz NOT NULL,
    task text NOT NULL,
    -- The only index: it finds a turn, counts those of a conversation, and the sweep pages by it.
    CONSTRAINT "PK_web_turns" PRIMARY KEY (conversation_id, turn_id),
    CONSTRAINT "FK_web_turns_web_conversations_tenant_id_conversation_id" FOREIGN KEY (tenant_id, conversation_id)
        REFERENCES web_conversations (tenant_id, id) ON DELETE CASCADE
);

ALTER TABLE web_turns ENABLE ROW LEVEL SECURITY;
ALTER TABLE web_turns FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON web_turns
    USING (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid)
    WITH CHECK (tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid);

-- The sweep looks across tenants, at what is needed to find a turn in Redis and never at the task, which has the text.
CREATE POLICY sweep ON web_turns FOR SELECT TO konstruct_sweeper USING (true);
GRANT SELECT (tenant_id, conversation_id, turn_id, attempt, created_at) ON web_turns TO konstruct_sweeper;
