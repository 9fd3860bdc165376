-- The grants of the releases before web_turns.
DO $$
DECLARE
    serving text := current_setting('konstruct.role');
BEGIN
    GRANT USAGE, CREATE ON SCHEMA public TO konstruct_sweeper;
    ALTER FUNCTION pending_turns(interval, timestamptz, uuid, integer) OWNER TO konstruct_sweeper;
    REVOKE CREATE ON SCHEMA public FROM konstruct_sweeper;
    EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', serving);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON web_conversations, web_conversation_messages TO %I', serving);
    EXECUTE format('GRANT SELECT ON "__EFMigrationsHistory" TO %I', serving);
    EXECUTE format('GRANT EXECUTE ON FUNCTION pending_turns(interval, timestamptz, uuid, integer) TO %I', serving);
    EXECUTE format('REVOKE konstruct_sweeper FROM %I', current_user);
END
$$;
