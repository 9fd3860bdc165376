using Microsoft.EntityFrameworkCore;

namespace Konstruct.Gateway.Storage.Schema;

/// <summary>Rights of the serving role, direct or through membership. Any right that could expose another tenant's rows is refused.</summary>
internal static class ServingRole
{
    private static readonly Dictionary<string, string> Faults = new()
    {
        ["superuser"] = "is a superuser, for whom row level security does not exist. Use the serving role that the schema step makes.",
        ["bypassrls"] = "has BYPASSRLS, or is a member of a role that has. Take that away from it: ALTER ROLE … NOBYPASSRLS, REVOKE ….",
        ["createrole"] =
            "has CREATEROLE, or is a member of a role that has, and could make itself a member of a role that sees more. "
            + "ALTER ROLE … NOCREATEROLE, REVOKE …, or use the serving role that the schema step makes.",
        ["replication"] =
            "has REPLICATION, or is a member of a role that has, and could read every tenant's changes as they are replicated. ALTER ROLE … NOREPLICATION, REVOKE ….",
        ["server"] =
            "is a member of pg_execute_server_program, pg_read_server_files or pg_write_server_files, and could read the database's files. REVOKE it.",
        ["sweeper"] = "is a member of konstruct_sweeper, which sees running turns of every tenant. REVOKE it.",
        ["database"] =
            "owns the database or its schema public, or is a member of the role that does, and could replace the tables. ALTER … OWNER TO another role, or REVOKE ….",
        ["tenant"] =
            "has a value of app.current_tenant before any tenant is set: by ALTER ROLE, ALTER DATABASE, the connection string or the server's configuration. "
            + "What forgets to set its tenant would be that one's. ALTER ROLE … RESET app.current_tenant, or likewise where it was set.",
    };

    /// <summary>Returns the session's role and a sentence about its fault; null: no fault.</summary>
    /// <remarks>Checks the session's role, not the current one: a connection string can SET ROLE, and RESET ROLE reverts it.</remarks>
    public static async Task<(string Name, string? Fault)> InspectAsync(ChatDbContext db, CancellationToken cancellationToken)
    {
        var faults = await db
            .Database.SqlQuery<string>(
                $"""
                WITH self AS (SELECT oid, rolname, rolsuper FROM pg_roles WHERE rolname = session_user),
                     owned AS (SELECT o.* FROM pg_roles o WHERE pg_has_role(session_user, o.oid, 'MEMBER')),
                     base AS (SELECT oid, datdba FROM pg_database WHERE datname = current_database())
                SELECT fault AS "Value" FROM self, base, LATERAL (VALUES
                    (0, 'name ' || self.rolname, true),
                    (1, 'superuser', self.rolsuper),
                    (2, 'bypassrls', EXISTS (SELECT FROM owned WHERE rolbypassrls OR rolsuper)),
                    (3, 'createrole', EXISTS (SELECT FROM owned WHERE rolcreaterole)),
                    (4, 'replication', EXISTS (SELECT FROM owned WHERE rolreplication)),
                    (5, 'server', EXISTS (SELECT FROM owned WHERE rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files'))),
                    (6, 'sweeper', EXISTS (SELECT FROM owned WHERE rolname = 'konstruct_sweeper')),
                    (7, 'database', EXISTS (SELECT FROM owned WHERE oid = base.datdba OR oid = (SELECT nspowner FROM pg_namespace WHERE nspname = 'public'))),
                    (8, 'tenant', coalesce(current_setting('app.current_tenant', true), '') <> '' OR EXISTS (
                        SELECT FROM pg_db_role_setting s, unnest(s.setconfig) setting
                        WHERE s.setrole IN (0, self.oid) AND s.setdatabase IN (0, base.oid) AND lower(setting) LIKE 'app.current\_tenant=%'))
                ) AS found (place, fault, holds)
                WHERE holds ORDER BY place
                """
            )
            .ToListAsync(cancellationToken);
        var name = faults[0]["name ".Length..];
        return (name, faults.Count == 1 ? null : $"The role '{name}' of ConnectionStrings:konstruct {Faults[faults[1]]}");
    }
}
