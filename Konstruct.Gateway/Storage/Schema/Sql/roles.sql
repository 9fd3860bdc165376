-- Creates the two roles before the tables that refer to them. Run by the owner, who need not be a superuser; safe to repeat.
-- konstruct.role: the serving role. konstruct.verifier: its SCRAM verifier. Both are settings of this transaction, because DO takes no parameters.
-- The verifier replaces the password because PostgreSQL logs the text of failed statements.
DO $$
DECLARE
    serving text := current_setting('konstruct.role');
    verifier text := current_setting('konstruct.verifier');
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'konstruct_sweeper') THEN
        CREATE ROLE konstruct_sweeper NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = serving) THEN
        EXECUTE format('CREATE ROLE %I LOGIN', serving);
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = serving AND rolsuper) THEN
        -- PostgreSQL also refuses this, but since version 16 without a reason.
        RAISE EXCEPTION 'the serving role % is a superuser, for whom row level security does not exist', serving USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('ALTER ROLE %I LOGIN PASSWORD %L', serving, verifier);
    -- Only for this step: handing over a function requires membership.
    EXECUTE format('GRANT konstruct_sweeper TO %I', current_user);
END
$$;
