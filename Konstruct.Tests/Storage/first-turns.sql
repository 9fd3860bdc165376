-- A turn begins and ends in one round trip each. Both run as whoever calls them: row level security binds them like any other statement.
-- Both lock the conversation's row before they touch messages, and so does its deletion: nobody waits for each other crosswise.

-- Stores a message and its pending answer. Messages of one conversation wait for each other at its row.
-- acceptance: 0 accepted (now or by an earlier run of the same call), 1 repeated (turn: what the client's own id began), 2 no such conversation, 3 too many turns
CREATE FUNCTION accept_turn(
        conversation uuid, sender uuid, agent text, create_missing boolean, most integer,
        new_turn uuid, user_row uuid, assistant_row uuid, said text, message_id text, task_payload text)
    RETURNS TABLE (acceptance integer, turn uuid)
    LANGUAGE plpgsql SET search_path = public, pg_temp
    AS $$
    DECLARE
        tenant uuid := NULLIF(current_setting('app.current_tenant', true), '')::uuid;
        known uuid;
        pending integer;
        accepted timestamptz;
    BEGIN
        UPDATE web_conversations SET updated_at = now() WHERE tenant_id = tenant AND id = conversation AND user_id = sender;
        IF NOT FOUND AND create_missing THEN
            INSERT INTO web_conversations (tenant_id, id, user_id, agent_id) VALUES (tenant, conversation, sender, agent) ON CONFLICT DO NOTHING;
            -- Again: another tab may have been faster. An id that another user or tenant has is not found here either.
            UPDATE web_conversations SET updated_at = now() WHERE tenant_id = tenant AND id = conversation AND user_id = sender;
        END IF;
        IF NOT FOUND THEN
            RETURN QUERY SELECT 2, NULL::uuid;
            RETURN;
        END IF;

        SELECT m.turn_id INTO known FROM web_conversation_messages m
            WHERE m.tenant_id = tenant AND m.role = 'user'
              AND (m.turn_id = new_turn OR (m.conversation_id = conversation AND m.client_message_id = message_id));
        IF FOUND THEN
            RETURN QUERY SELECT CASE WHEN known = new_turn THEN 0 ELSE 1 END, known;
            RETURN;
        END IF;

        SELECT count(*) INTO pending FROM web_conversation_messages m
            WHERE m.tenant_id = tenant AND m.conversation_id = conversation AND m.status = 'pending';
        IF pending >= most THEN
            RETURN QUERY SELECT 3, NULL::uuid;
            RETURN;
        END IF;

        -- Not now(): that is when the transaction began, before it waited for its turn, and messages are listed by this time.
        accepted := clock_timestamp();
        INSERT INTO web_conversation_messages
            (tenant_id, id, conversation_id, role, content, created_at, turn_id, status, attempt, client_message_id, task)
        VALUES (tenant, user_row, conversation, 'user', said, accepted, new_turn, 'completed', 0, message_id, NULL),
               (tenant, assistant_row, conversation, 'assistant', '', accepted, new_turn, 'pending', 1, NULL, task_payload);
        RETURN QUERY SELECT 0, new_turn;
    END
    $$;

-- Ends a turn, unless it has ended; either way its row as it is then. No row: the conversation was deleted.
-- last_attempt 0: keep the one that was given out.
CREATE FUNCTION finish_turn(conversation uuid, ending uuid, outcome text, last_attempt integer, answer text)
    RETURNS TABLE (status text, attempt integer, content text, won boolean)
    LANGUAGE plpgsql SET search_path = public, pg_temp
    AS $$
    DECLARE
        tenant uuid := NULLIF(current_setting('app.current_tenant', true), '')::uuid;
    BEGIN
        UPDATE web_conversations SET updated_at = now()
            WHERE tenant_id = tenant AND id = conversation AND EXISTS (
                SELECT FROM web_conversation_messages m
                WHERE m.tenant_id = tenant AND m.conversation_id = conversation AND m.turn_id = ending AND m.role = 'assistant' AND m.status = 'pending');
        RETURN QUERY UPDATE web_conversation_messages m
            SET status = outcome, content = answer, task = NULL, attempt = CASE WHEN last_attempt > 0 THEN last_attempt ELSE m.attempt END
            WHERE m.tenant_id = tenant AND m.conversation_id = conversation AND m.turn_id = ending AND m.role = 'assistant' AND m.status = 'pending'
            RETURNING m.status, m.attempt, m.content, true;
        IF FOUND THEN
            RETURN;
        END IF;
        RETURN QUERY SELECT m.status, m.attempt, m.content, false FROM web_conversation_messages m
            WHERE m.tenant_id = tenant AND m.conversation_id = conversation AND m.turn_id = ending AND m.role = 'assistant';
    END
    $$;
