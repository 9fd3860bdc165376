-- Makes conversations of many tenants. A session's own function, so that it is planned once and leaves nothing behind.
-- Foreign keys are not checked: each message is inserted with its conversation.
SET session_replication_role = replica;

-- An id as Guid.CreateVersion7() makes it: ordered by time, so that the indexes are filled as they are in use.
CREATE FUNCTION pg_temp.id_at(at timestamptz) RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(r, 14, 3) || '8' || substr(r, 18, 15))::uuid
    FROM replace(gen_random_uuid()::text, '-', '') r
$$;

-- The third power makes the tenants uneven: of 10,000, the first has a twentieth of all conversations, and most have some dozens.
CREATE FUNCTION pg_temp.fill(first integer, number integer, messages integer, tenants integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMPORARY TABLE filled ON COMMIT DROP AS
        SELECT md5('tenant ' || floor(power(random(), 3) * tenants))::uuid AS tenant_id, pg_temp.id_at(at) AS id, gen_random_uuid() AS user_id, at
        FROM (SELECT now() - interval '1 year' + (first + i) * interval '1 second' AS at FROM generate_series(0, number - 1) i) times;
    INSERT INTO public.web_conversations (tenant_id, id, user_id, agent_id, created_at, updated_at)
        SELECT tenant_id, id, user_id, '30000000-0000-4000-8000-000000000001', at, at FROM filled;
    INSERT INTO public.web_conversation_messages (tenant_id, id, conversation_id, role, content, created_at, turn_id, status, attempt, client_message_id)
        SELECT f.tenant_id, pg_temp.id_at(t.at), f.id, m.role, m.content, t.at + m.after, t.turn_id, 'completed', m.attempt, m.message_id
        FROM filled f
        CROSS JOIN LATERAL (
            SELECT f.at + n * interval '1 minute' AS at, pg_temp.id_at(f.at + n * interval '1 minute') AS turn_id
            FROM generate_series(0, messages / 2 - 1) n
        ) t
        CROSS JOIN LATERAL (
            VALUES ('user', 'A question of some words, as people write them: ' || t.turn_id, interval '0', 0, t.turn_id::text),
                   ('assistant', repeat('An answer of about three hundred bytes. ', 7) || t.turn_id, interval '1 microsecond', 1, NULL)
        ) m (role, content, after, attempt, message_id);
END
$$;
