-- The turns of a conversation that ended lately, newest first. Together with open_conversation in one statement: both see the same moment, so a turn that
-- began before it is either running or here. Like that function, it runs as its caller, and its kept plan can use only the index of a conversation's messages.
CREATE OR REPLACE FUNCTION ended_turns(conversation uuid, within interval, most integer)
    RETURNS TABLE (turn uuid)
    LANGUAGE plpgsql STABLE SET search_path = public, pg_temp SET enable_seqscan = off
    AS $$
    BEGIN
        RETURN QUERY SELECT m.turn_id FROM web_conversation_messages m
            WHERE m.tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid AND m.conversation_id = conversation
              AND m.created_at > now() - within AND m.role = 'assistant' AND m.turn_id IS NOT NULL
            ORDER BY m.created_at DESC, m.id DESC
            LIMIT most;
    END
    $$;
