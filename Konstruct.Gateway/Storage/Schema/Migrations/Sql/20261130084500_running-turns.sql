-- Running turns move to the table web_turns. The assistant's row is inserted when the turn ends, so no reader of messages sees an empty pending answer.
-- A gateway of before may be inside a function. The locks let it end first, or make it fail and repeat its call with the functions below.
LOCK TABLE web_conversations, web_conversation_messages IN ACCESS EXCLUSIVE MODE;

-- The owner sees and writes rows of all tenants only while FORCE is off. Nobody else can look: the tables are locked.
ALTER TABLE web_conversation_messages NO FORCE ROW LEVEL SECURITY;
ALTER TABLE web_turns NO FORCE ROW LEVEL SECURITY;
INSERT INTO web_turns (conversation_id, turn_id, tenant_id, question_id, answer_id, attempt, created_at, task)
    SELECT a.conversation_id, a.turn_id, a.tenant_id, q.id, a.id, a.attempt, a.created_at + interval '1 microsecond', coalesce(a.task, '')
    FROM web_conversation_messages a
    JOIN web_conversation_messages q ON q.turn_id = a.turn_id AND q.tenant_id = a.tenant_id AND q.role = 'user'
    WHERE a.status = 'pending' AND a.role = 'assistant';
DELETE FROM web_conversation_messages WHERE status = 'pending';
ALTER TABLE web_conversation_messages FORCE ROW LEVEL SECURITY;
ALTER TABLE web_turns FORCE ROW LEVEL SECURITY;

DROP FUNCTION pending_turns(interval, timestamptz, uuid, integer);
DROP POLICY sweep ON web_conversation_messages;
REVOKE SELECT (tenant_id, conversation_id, turn_id, attempt, role, status, created_at) ON web_conversation_messages FROM konstruct_sweeper;

-- A user's row is found by its id. Only answers are found by their turn.
DROP INDEX "ix_messages_pending", "ix_messages_pending_of_conversation", "IX_web_conversation_messages_turn_id_tenant_id_role";
CREATE UNIQUE INDEX ix_messages_answers ON web_conversation_messages (turn_id, tenant_id) WHERE role = 'assistant';

-- The defaults let a program store messages that knows nothing of turns.
ALTER TABLE web_conversation_messages
    ALTER COLUMN turn_id DROP NOT NULL,
    ALTER COLUMN status SET DEFAULT 'completed',
    ALTER COLUMN attempt SET DEFAULT 0,
    DROP COLUMN task,
    DROP CONSTRAINT ck_messages_status,
    ADD CONSTRAINT ck_messages_status CHECK (status IN ('completed', 'cancelled', 'failed'));
