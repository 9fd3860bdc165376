using Microsoft.EntityFrameworkCore;

namespace Konstruct.Gateway.Storage.Schema;

internal enum GuardVerdict
{
    /// <summary>Schema and role are correct.</summary>
    Serve,

    /// <summary>The schema step has not finished.</summary>
    Wait,

    /// <summary>The role could read or change rows of other tenants.</summary>
    Refuse,
}

/// <summary>Result of the guard.</summary>
/// <param name="Verdict">Serve, wait or refuse.</param>
/// <param name="Reason">A sentence that says what to do; empty when there is nothing to do.</param>
internal readonly record struct GuardResult(GuardVerdict Verdict, string Reason);

/// <summary>
/// Checks that the policies bind this process. It asks the server, not the configuration, because a role can get more rights at any time.
/// </summary>
internal static class ServingRoleGuard
{
    /// <summary>The policy's expression as Postgres prints it, from version 15 on.</summary>
    private const string TenantOnly = "(tenant_id = (NULLIF(current_setting('app.current_tenant'::text, true), ''::text))::uuid)";

    /// <summary>Checks once. Throws what Npgsql throws when the server cannot be reached.</summary>
    public static async Task<GuardResult> InspectAsync(ChatDbContext db, CancellationToken cancellationToken)
    {
        var (role, fault) = await ServingRole.InspectAsync(db, cancellationToken);
        if (fault is not null)
        {
            return Refuse(fault);
        }

        var tables = await db
            .Database.SqlQuery<TableRow>(
                $"""
                SELECT c.relname::text AS "Name", c.relrowsecurity AS "Enabled", c.relforcerowsecurity AS "Forced",
                       pg_has_role(session_user, c.relowner, 'MEMBER') AS "Owns",
                       (SELECT count(*)::int FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'tenant' AND p.polcmd = '*' AND p.polroles = ARRAY[0]::oid[]
                            AND pg_get_expr(p.polqual, c.oid) = {TenantOnly}
                            AND pg_get_expr(p.polwithcheck, c.oid) = {TenantOnly}) AS "TenantPolicies",
                       (SELECT count(*)::int FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname <> 'tenant' AND p.polpermissive
                            AND (p.polroles = ARRAY[0]::oid[] OR EXISTS (SELECT FROM unnest(p.polroles) o WHERE o <> 0 AND pg_has_role(session_user, o, 'MEMBER')))) AS "OtherPolicies"
                FROM pg_class c
                WHERE c.relnamespace = 'public'::regnamespace AND c.relname IN ('web_conversations', 'web_conversation_messages', 'web_turns') AND c.relkind IN ('r', 'p')
                """
            )
            .ToListAsync(cancellationToken);
        if (tables.Count < 3)
        {
            return new(GuardVerdict.Wait, "The tables do not exist yet. The schema step makes them: run the gateway with the argument 'schema'.");
        }

        foreach (var table in tables)
        {
            if (table.Owns)
            {
                return Refuse(
                    $"The role '{role}' of ConnectionStrings:konstruct owns {table.Name} and could switch its row level security off. Use the serving role that the schema step makes."
                );
            }

            if (!table.Enabled || !table.Forced)
            {
                return Refuse(
                    $"Row level security is not enabled and forced on {table.Name}. ALTER TABLE {table.Name} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY."
                );
            }

            if (table.TenantPolicies != 1)
            {
                return Refuse(
                    $"{table.Name} lacks the policy 'tenant' as the schema step makes it, for reading and for writing; somebody has changed it since."
                );
            }

            if (table.OtherPolicies > 0)
            {
                return Refuse($"{table.Name} has another policy that lets the role '{role}' see more than its tenant. Drop it.");
            }
        }

        return await HasSchemaAsync(db, cancellationToken);
    }

    private static async Task<GuardResult> HasSchemaAsync(ChatDbContext db, CancellationToken cancellationToken)
    {
        var readable = (
            await db
                .Database.SqlQuery<bool>($"""SELECT has_table_privilege('public."__EFMigrationsHistory"', 'SELECT') AS "Value" """)
                .ToListAsync(cancellationToken)
        ).Single();
        if (!readable)
        {
            return new(GuardVerdict.Wait, "The schema step has not granted its rights to this role yet.");
        }

        // A later version is allowed: migrations only add, so gateways of two versions can run side by side.
        var applied = await db
            .Database.SqlQuery<string>($"""SELECT "MigrationId" AS "Value" FROM public."__EFMigrationsHistory" """)
            .ToListAsync(cancellationToken);
        var missing = db.Database.GetMigrations().Except(applied).FirstOrDefault();
        return missing is null
            ? new(GuardVerdict.Serve, "")
            : new(GuardVerdict.Wait, $"The schema lacks {missing}. Run the gateway with the argument 'schema'.");
    }

    private static GuardResult Refuse(string reason) => new(GuardVerdict.Refuse, reason);

    private sealed record TableRow(string Name, bool Enabled, bool Forced, bool Owns, int TenantPolicies, int OtherPolicies);
}
