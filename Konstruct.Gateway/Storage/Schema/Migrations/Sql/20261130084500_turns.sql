-- A conversation is opened, and a turn begins and ends, in one round trip each. All run as their caller, so row level security binds them like any other
-- statement. They are functions because a session keeps their plans: planning with row level security costs more than running.
-- All lock the conversation's row before they lock a turn, as its deletion does. The fixed order prevents deadlocks.
-- A kept plan may be older than the rows. So each statement can use only an index that finds few rows: there is no OR, conditions that must not choose the
-- index use IS NOT DISTINCT FROM, and sequential scans are off, because web_turns is often empty when PostgreSQL counts it.

-- Returns the running turns, oldest first; one row of NULLs when there are none; no row when the user has no such conversation.
CREATE OR REPLACE FUNCTION open_conversation(conversation uuid, opener uuid)
    RETURNS TABLE (turn uuid, status text, attempt integer, content text)
    LANGUAGE plpgsql STABLE SET search_path = public, pg_temp SET enable_seqscan = off
    AS $$
    BEGIN
        RETURN QUERY SELECT t.turn_id, 'pending', t.attempt, ''
            FROM web_conversations c
            LEFT JOIN web_turns t ON t.conversation_id = c.id AND t.tenant_id = c.tenant_id
            WHERE c.tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid AND c.id = conversation AND c.user_id IS NOT DISTINCT FROM opener
            ORDER BY t.created_at, t.answer_id;
    END
    $$;

-- Stores a message and its running turn. The lock of the conversation's row serializes messages of one conversation.
-- acceptance: 0 accepted (now or by an earlier run of the same call), 1 repeated (turn: the earlier turn of the client's id), 2 no such conversation, 3 too many turns
CREATE OR REPLACE FUNCTION accept_turn(
        conversation uuid, sender uuid, agent text, create_missing boolean, most integer,
        new_turn uuid, user_row uuid, assistant_row uuid, said text, message_id text, task_payload text)
    RETURNS TABLE (acceptance integer, turn uuid)
    LANGUAGE plpgsql SET search_path = public, pg_temp SET enable_seqscan = off
    AS $$
    DECLARE
        tenant uuid := NULLIF(current_setting('app.current_tenant', true), '')::uuid;
        running integer;
        accepted timestamptz;
        employee web_conversations.agent_id%TYPE; -- A uuid in some databases of the original gateway.
    BEGIN
        -- The only update of this row in a turn.
        UPDATE web_conversations SET updated_at = now() WHERE tenant_id = tenant AND id = conversation AND user_id IS NOT DISTINCT FROM sender;
        IF NOT FOUND AND create_missing THEN
            employee := agent;
            INSERT INTO web_conversations (tenant_id, id, user_id, agent_id) VALUES (tenant, conversation, sender, employee) ON CONFLICT DO NOTHING;
            IF NOT FOUND THEN
                -- Another tab may have been faster. The id of another user or tenant is not found here either.
                UPDATE web_conversations SET updated_at = now() WHERE tenant_id = tenant AND id = conversation AND user_id IS NOT DISTINCT FROM sender;
            END IF;
        END IF;
        IF NOT FOUND THEN
            RETURN QUERY SELECT 2, NULL::uuid;
            RETURN;
        END IF;

        SELECT count(*) INTO running FROM web_turns t WHERE t.conversation_id = conversation AND t.tenant_id = tenant;
        IF running < most THEN
            -- Not now(): the transaction may have begun before it waited for the lock, and messages are listed by this time.
            accepted := clock_timestamp();
            INSERT INTO web_conversation_messages (tenant_id, id, conversation_id, role, content, created_at, turn_id, status, attempt, client_message_id)
                VALUES (tenant, user_row, conversation, 'user', said, accepted, new_turn, 'completed', 0, message_id)
                ON CONFLICT DO NOTHING;
            IF FOUND THEN
                INSERT INTO web_turns (conversation_id, turn_id, tenant_id, question_id, answer_id, attempt, created_at, task)
                    VALUES (conversation, new_turn, tenant, user_row, assistant_row, 1, accepted + interval '1 microsecond', task_payload);
                RETURN QUERY SELECT 0, new_turn;
                RETURN;
            END IF;
        END IF;

        -- Stored before, by an earlier run of this call or by the client's own id; or the conversation is full.
        SELECT m.turn_id INTO turn FROM web_conversation_messages m WHERE m.id = user_row AND m.tenant_id = tenant;
        IF turn IS NULL AND message_id IS NOT NULL THEN
            SELECT m.turn_id INTO turn FROM web_conversation_messages m
                WHERE m.tenant_id = tenant AND m.conversation_id = conversation AND m.client_message_id = message_id;
        END IF;
        RETURN QUERY SELECT CASE WHEN turn IS NULL THEN 3 WHEN turn = new_turn THEN 0 ELSE 1 END, turn;
    END
    $$;

-- Ends a turn, unless it has ended. The call that deletes the turn's row has won and inserts the assistant's row. Returns the assistant's row after that; no row:
-- the conversation was deleted. last_attempt 0: keep the one that was issued.
CREATE OR REPLACE FUNCTION finish_turn(conversation uuid, ending uuid, outcome text, last_attempt integer, answer text)
    RETURNS TABLE (status text, attempt integer, content text, won boolean)
    LANGUAGE plpgsql SET search_path = public, pg_temp SET enable_seqscan = off
    AS $$
    DECLARE
        tenant uuid := NULLIF(current_setting('app.current_tenant', true), '')::uuid;
    BEGIN
        -- The foreign key takes this lock anyway, but later: after the lock of the turn, and so in the wrong order.
        PERFORM FROM web_conversations c WHERE c.tenant_id = tenant AND c.id = conversation FOR KEY SHARE;
        RETURN QUERY WITH ended AS (
                DELETE FROM web_turns t WHERE t.conversation_id = conversation AND t.turn_id = ending AND t.tenant_id = tenant
                RETURNING t.answer_id, t.created_at, CASE WHEN last_attempt > 0 THEN last_attempt ELSE t.attempt END AS last)
            INSERT INTO web_conversation_messages AS m (tenant_id, id, conversation_id, role, content, created_at, turn_id, status, attempt)
                SELECT tenant, e.answer_id, conversation, 'assistant', answer, e.created_at, ending, outcome, e.last FROM ended e
                RETURNING m.status, m.attempt, m.content, true;
        IF FOUND THEN
            RETURN;
        END IF;
        RETURN QUERY SELECT m.status, m.attempt, m.content, false FROM web_conversation_messages m
            WHERE m.turn_id = ending AND m.tenant_id = tenant AND m.role = 'assistant' AND m.conversation_id IS NOT DISTINCT FROM conversation;
    END
    $$;

-- The sweep: running turns of any tenant, in the order of their key, after the last one of the previous page. The schema step makes konstruct_sweeper its owner.
CREATE OR REPLACE FUNCTION pending_turns(older_than interval, after_conversation_id uuid, after_turn_id uuid, most integer)
    RETURNS TABLE (tenant_id uuid, conversation_id uuid, turn_id uuid, attempt integer, age interval)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
        SELECT t.tenant_id, t.conversation_id, t.turn_id, t.attempt, now() - t.created_at
        FROM public.web_turns t
        WHERE t.created_at < now() - older_than
          AND (t.conversation_id, t.turn_id) > (after_conversation_id, after_turn_id)
        ORDER BY t.conversation_id, t.turn_id
        LIMIT most
    $$;
REVOKE ALL ON FUNCTION pending_turns(interval, uuid, uuid, integer) FROM PUBLIC;
