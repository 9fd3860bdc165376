-- A conversation is opened, and a turn begins and ends, in one round trip each. All run as whoever calls them: row level security binds them like any other
-- statement. They are functions because a session keeps the plans of those: to plan with row level security costs more than to run.
-- Who writes locks the conversation's row before messages, and so does its deletion: nobody waits for each other crosswise.
-- Each session keeps its plans, perhaps made while the tables were empty and any index was as good as another. So no statement below may be answered by an
-- index that holds many rows for it, all of a tenant's messages, all of a user's conversations or whatever is pending anywhere: there is no OR, what is not to
-- choose the index is compared with IS NOT DISTINCT FROM, which no index answers, and only the sweep says both that a row is pending and that it is an answer, as its index does.

-- The turns of a conversation that have not ended, oldest first; one row of NULLs when there are none, no row when the user has no such conversation.
CREATE OR REPLACE FUNCTION open_conversation(conversation uuid, opener uuid)
    RETURNS TABLE (turn uuid, status text, attempt integer, content text)
    LANGUAGE plpgsql STABLE SET search_path = public, pg_temp
    AS $$
    BEGIN
        RETURN QUERY SELECT m.turn_id, m.status, m.attempt, m.content
            FROM web_conversations c
            LEFT JOIN web_conversation_messages m
                ON m.tenant_id = c.tenant_id AND m.conversation_id = c.id AND m.status = 'pending'
            WHERE c.tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid AND c.id = conversation AND c.user_id IS NOT DISTINCT FROM opener
            ORDER BY m.created_at, m.id;
    END
    $$;

-- Stores a message and its pending answer. Messages of one conversation wait for each other at its row.
-- acceptance: 0 accepted (now or by an earlier run of the same call), 1 repeated (turn: what the client's own id began), 2 no such conversation, 3 too many turns
CREATE OR REPLACE FUNCTION accept_turn(
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
        UPDATE web_conversations SET updated_at = now() WHERE tenant_id = tenant AND id = conversation AND user_id IS NOT DISTINCT FROM sender;
        IF NOT FOUND AND create_missing THEN
            INSERT INTO web_conversations (tenant_id, id, user_id, agent_id) VALUES (tenant, conversation, sender, agent) ON CONFLICT DO NOTHING;
            IF NOT FOUND THEN
                -- Another tab may have been faster. An id that another user or tenant has is not found here either.
                UPDATE web_conversations SET updated_at = now() WHERE tenant_id = tenant AND id = conversation AND user_id IS NOT DISTINCT FROM sender;
            END IF;
        END IF;
        IF NOT FOUND THEN
            RETURN QUERY SELECT 2, NULL::uuid;
            RETURN;
        END IF;

        SELECT m.turn_id INTO known FROM web_conversation_messages m
            WHERE m.tenant_id = tenant AND m.turn_id = new_turn AND m.role = 'user';
        IF NOT FOUND AND message_id IS NOT NULL THEN
            SELECT m.turn_id INTO known FROM web_conversation_messages m
                WHERE m.tenant_id = tenant AND m.conversation_id = conversation AND m.client_message_id = message_id;
        END IF;
        IF known IS NOT NULL THEN
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
CREATE OR REPLACE FUNCTION finish_turn(conversation uuid, ending uuid, outcome text, last_attempt integer, answer text)
    RETURNS TABLE (status text, attempt integer, content text, won boolean)
    LANGUAGE plpgsql SET search_path = public, pg_temp
    AS $$
    DECLARE
        tenant uuid := NULLIF(current_setting('app.current_tenant', true), '')::uuid;
    BEGIN
        UPDATE web_conversations SET updated_at = now()
            WHERE tenant_id = tenant AND id = conversation AND EXISTS (
                SELECT FROM web_conversation_messages m
                WHERE m.tenant_id = tenant AND m.turn_id = ending AND m.role = 'assistant'
                    AND m.conversation_id IS NOT DISTINCT FROM conversation AND m.status IS NOT DISTINCT FROM 'pending');
        RETURN QUERY UPDATE web_conversation_messages m
            SET status = outcome, content = answer, task = NULL, attempt = CASE WHEN last_attempt > 0 THEN last_attempt ELSE m.attempt END
            WHERE m.tenant_id = tenant AND m.turn_id = ending AND m.role = 'assistant'
                AND m.conversation_id IS NOT DISTINCT FROM conversation AND m.status IS NOT DISTINCT FROM 'pending'
            RETURNING m.status, m.attempt, m.content, true;
        IF FOUND THEN
            RETURN;
        END IF;
        RETURN QUERY SELECT m.status, m.attempt, m.content, false FROM web_conversation_messages m
            WHERE m.tenant_id = tenant AND m.turn_id = ending AND m.role = 'assistant' AND m.conversation_id IS NOT DISTINCT FROM conversation;
    END
    $$;

-- The sweep: turns of any tenant that have not ended, oldest first, as of a page's last one. It runs as konstruct_sweeper, whom the schema step makes its owner.
GRANT SELECT (tenant_id, conversation_id, turn_id, attempt, role, status, created_at) ON web_conversation_messages TO konstruct_sweeper;

CREATE OR REPLACE FUNCTION pending_turns(older_than interval, after_created_at timestamptz, after_turn_id uuid, most integer)
    RETURNS TABLE (tenant_id uuid, conversation_id uuid, turn_id uuid, attempt integer, created_at timestamptz, age interval)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
        SELECT m.tenant_id, m.conversation_id, m.turn_id, m.attempt, m.created_at, now() - m.created_at
        FROM public.web_conversation_messages m
        WHERE m.status = 'pending' AND m.role = 'assistant'
          AND m.created_at < now() - older_than
          AND (m.created_at, m.turn_id) > (after_created_at, after_turn_id)
        ORDER BY m.created_at, m.turn_id
        LIMIT most
    $$;
REVOKE ALL ON FUNCTION pending_turns(interval, timestamptz, uuid, integer) FROM PUBLIC;
