-- The two roles, before the tables that name them. Run by the owner, who may be no superuser; safe to run again.
-- konstruct.role: the serving role; konstruct.verifier: what PostgreSQL keeps of its password. Settings of this transaction, since DO takes no parameters.
-- A verifier and not the password: a statement that fails is logged with its text.
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
        -- PostgreSQL refuses, too, but since version 16 without saying why.
        RAISE EXCEPTION 'the serving role % is a superuser, for whom row level security does not exist', serving USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('ALTER ROLE %I LOGIN PASSWORD %L', serving, verifier);
    -- For as long as this step lasts: only a member may hand a function over.
    EXECUTE format('GRANT konstruct_sweeper TO %I', current_user);
END
$$;
