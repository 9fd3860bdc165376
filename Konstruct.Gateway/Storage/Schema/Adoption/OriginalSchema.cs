using System.Text.RegularExpressions;
using Npgsql;

namespace Konstruct.Gateway.Storage.Schema.Adoption;

/// <summary>Inspects the tables of the original gateway. Changes nothing.</summary>
internal static partial class OriginalSchema
{
    private const string Tables =
        "(SELECT * FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname IN ('web_conversations', 'web_conversation_messages')) c";

    /// <summary>The condition of the original's policies, in the forms that PostgreSQL prints, without casts, spaces and parentheses.</summary>
    private static readonly string[] Conditions =
    [
        "tenant_id=current_setting'app.current_tenant'",
        "tenant_id=current_setting'app.current_tenant',true",
        "tenant_id=NULLIFcurrent_setting'app.current_tenant',true,''",
    ];

    /// <summary>Whether there are tables that the migrations did not make.</summary>
    public static async Task<bool> IsThereAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var (tables, history) = (
            await connection.ListAsync("SELECT relname::text FROM " + Tables, row => row.GetString(0), cancellationToken),
            await connection.ListAsync(
                """SELECT to_regclass('public."__EFMigrationsHistory"') IS NOT NULL""",
                row => row.GetBoolean(0),
                cancellationToken
            )
        );
        if (tables.Count == 0 || !history[0])
        {
            return tables.Count > 0;
        }

        return (await connection.ListAsync("""SELECT count(*) FROM public."__EFMigrationsHistory" """, row => row.GetInt64(0), cancellationToken))[0]
            == 0;
    }

    /// <summary>Returns a sentence for each thing that the step does not understand; none: it may adopt the tables.</summary>
    public static async Task<IReadOnlyList<string>> FindFaultsAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var tables = await connection.ListAsync(
            $"""
            SELECT relname::text, relkind::text, relrowsecurity, pg_has_role(current_user, relowner, 'USAGE'), pg_get_userbyid(relowner)::text,
                   EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indpred IS NULL AND i.indnkeyatts = 1
                       AND i.indkey[0] = (SELECT attnum FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'id'))
            FROM {Tables} ORDER BY relname
            """,
            row =>
                (
                    Name: row.GetString(0),
                    Kind: row.GetString(1),
                    HasRules: row.GetBoolean(2),
                    IsOwned: row.GetBoolean(3),
                    Owner: row.GetString(4),
                    IsUnique: row.GetBoolean(5)
                ),
            cancellationToken
        );
        var columns = await connection.ListAsync(
            $"""
            SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.atthasdef OR a.attidentity <> ''
            FROM pg_attribute a JOIN {Tables} ON c.oid = a.attrelid WHERE a.attnum > 0 AND NOT a.attisdropped ORDER BY c.relname, a.attnum
            """,
            row => new TableColumn(row.GetString(0), row.GetString(1), row.GetString(2), row.GetBoolean(3), row.GetBoolean(4)),
            cancellationToken
        );
        var policies = await connection.ListAsync(
            $"""
            SELECT c.relname::text, polname::text, polcmd = '*' AND polpermissive, coalesce(pg_get_expr(polqual, polrelid), ''),
                   coalesce(pg_get_expr(polwithcheck, polrelid), pg_get_expr(polqual, polrelid), '')
            FROM pg_policy JOIN {Tables} ON c.oid = polrelid ORDER BY c.relname, polname
            """,
            row => (Table: row.GetString(0), Name: row.GetString(1), IsForAll: row.GetBoolean(2), Reads: row.GetString(3), Writes: row.GetString(4)),
            cancellationToken
        );

        var faults = new List<string>();
        foreach (var missing in (string[])[OriginalColumns.Conversations, OriginalColumns.Messages])
        {
            if (!tables.Exists(table => table.Name == missing))
            {
                faults.Add($"The table {missing} is missing.");
            }
        }

        foreach (var table in tables)
        {
            if (table.Kind != "r")
            {
                faults.Add($"{table.Name} is not a plain table.");
            }

            if (!table.IsOwned)
            {
                faults.Add($"{table.Name} belongs to the role {table.Owner}. Name that role, or a member of it, in ConnectionStrings:konstruct-db.");
            }

            if (!table.IsUnique)
            {
                faults.Add($"{table.Name} has no primary key or unique index on id alone.");
            }

            if (!table.HasRules)
            {
                faults.Add($"Row level security is not enabled on {table.Name}.");
            }

            if (policies.Count(policy => policy.Table == table.Name) != 1)
            {
                faults.Add($"{table.Name} must have one policy; it has {policies.Count(policy => policy.Table == table.Name)}.");
            }
        }

        faults.AddRange(OriginalColumns.FindFaults(columns.FindAll(column => tables.Exists(table => table.Name == column.Table))));
        faults.AddRange(
            policies
                .Where(policy => !policy.IsForAll || !IsByTenant(policy.Reads) || !IsByTenant(policy.Writes))
                .Select(policy =>
                    $"The policy {policy.Name} of {policy.Table} is not known: USING {policy.Reads} WITH CHECK {policy.Writes}. Expected, for all commands: "
                    + "USING (tenant_id = current_setting('app.current_tenant')::uuid)."
                )
        );
        return faults;
    }

    private static bool IsByTenant(string condition) => Conditions.Contains(Decoration().Replace(condition, ""));

    [GeneratedRegex(@"::text|::uuid|[\s()]")]
    private static partial Regex Decoration();
}
