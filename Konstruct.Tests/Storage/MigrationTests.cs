using System.Security.Cryptography;
using System.Text;
using Konstruct.Gateway.Storage.Schema;
using Konstruct.Tests.Harness;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Konstruct.Tests.Storage;

/// <summary>A migration is history: databases exist that it made. Four of them ran a file that still changed, so that a new column in it would have broken every new database.</summary>
public sealed class MigrationTests(DatabaseFactory databases)
{
    /// <summary>All that the schema step makes, a line each, in a form that does not depend on the order in which it was made.</summary>
    internal const string Describe = """
        SELECT coalesce(string_agg(line, E'\n' ORDER BY line), '') FROM (
            SELECT format('column %s.%s %s %s default %s compression %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
                          CASE WHEN a.attnotnull THEN 'not null' ELSE 'null' END, pg_get_expr(d.adbin, d.adrelid), a.attcompression) AS line
                FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
                WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
            UNION ALL SELECT format('index %s', pg_get_indexdef(i.indexrelid)) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
                WHERE c.relnamespace = 'public'::regnamespace
            UNION ALL SELECT format('constraint %s %s', conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
            UNION ALL SELECT format('policy %s', row_to_json(p)) FROM pg_policies p WHERE schemaname = 'public'
            UNION ALL SELECT format('table %s %s %s owner %s %s', relname, relrowsecurity, relforcerowsecurity, relowner::regrole, relacl) FROM pg_class
                WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
            UNION ALL SELECT format('function owner %s %s %s', proowner::regrole, proacl, pg_get_functiondef(oid)) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        ) lines
        """;

    private const string Folder = "Konstruct.Gateway/Storage/Schema/Migrations";

    /// <summary>A new migration adds its lines: the test prints them. SQL never changes; a .cs file changes only with its namespace.</summary>
    private static readonly Dictionary<string, string> Hashes = new()
    {
        ["20261123180709_Initial.Designer.cs"] = "dd9a9ccd4921abdc",
        ["20261123180709_Initial.cs"] = "589299c7311cb329",
        ["20261123180709_row-level-security.sql"] = "5816ae5a957fff29",
        ["20261126120000_TurnsByIndex.cs"] = "a3afca92925100ce",
        ["20261126150000_OpenByFunction.cs"] = "5e1e85c99143fb04",
        ["20261127151813_NoIndexByTenant.Designer.cs"] = "caafa97b126b6607",
        ["20261127151813_NoIndexByTenant.cs"] = "7eb5d73960ff1adc",
        ["20261127151813_turns.sql"] = "060ef421926ec5a5",
        ["20261127161500_AnswersByLz4.cs"] = "8cb4d4179b991f95",
        ["20261130084500_RunningTurns.cs"] = "54fbc94dd77939b3",
        ["20261130084500_adopt-columns.sql"] = "f6bd68ab37ad1834",
        ["20261130084500_adopt-rules.sql"] = "6fde8816d0d5a038",
        ["20261130084500_running-turns.sql"] = "84e28ae6b1004d6d",
        ["20261130084500_turns.sql"] = "e88c04ea7f359e45",
        ["20261130084500_web-turns.sql"] = "c4c2a5edce5484e9",
        ["20261130201500_EndedTurns.cs"] = "2b084203546c05e2",
        ["20261130201500_ended-turns.sql"] = "815d5c512ce09626",
    };

    [Fact]
    public void An_old_migration_never_changes()
    {
        var files = new[] { "*.cs", "Sql/*.sql" }
            .SelectMany(pattern =>
                Directory.EnumerateFiles(BuiltPrograms.PathTo(Path.Combine(Folder, Path.GetDirectoryName(pattern)!)), Path.GetFileName(pattern))
            )
            .Where(file => !file.EndsWith("ModelSnapshot.cs", StringComparison.Ordinal))
            .ToDictionary(file => Path.GetFileName(file), HashOf);

        Assert.Equal(
            string.Join('\n', Hashes.OrderBy(file => file.Key, StringComparer.Ordinal).Select(Line)),
            string.Join('\n', files.OrderBy(file => file.Key, StringComparer.Ordinal).Select(Line))
        );
    }

    /// <summary>From the schema of the first release, with a conversation in it, and from nothing: the same.</summary>
    [Fact]
    public async Task An_upgraded_database_and_a_new_one_have_the_same_schema()
    {
        var server = (await databases.CreateAsync()).Server;
        var (old, fresh) = ($"m{Guid.NewGuid():N}", $"m{Guid.NewGuid():N}");
        await OldSchemas.MakeFirstReleaseAsync(server, old);
        await server
            .AsSuperuser(old)
            .ExecuteAsync(
                $"INSERT INTO web_conversations (tenant_id, id, user_id, agent_id) VALUES ('{Guid.NewGuid()}', '{Guid.NewGuid()}', '{Guid.NewGuid()}', 'a')"
            );
        var before = await server.AsSuperuser(old).ScalarAsync<string>(Describe);

        await Task.WhenAll(RunAsync(server, old), RunAsync(server, fresh));

        var (upgraded, made) = (
            await server.AsSuperuser(old).ScalarAsync<string>(Describe),
            await server.AsSuperuser(fresh).ScalarAsync<string>(Describe)
        );
        Assert.Equal(made, upgraded);
        Assert.NotEqual(before, upgraded);
        Assert.Contains("open_conversation", made, StringComparison.Ordinal);
        Assert.Equal(1L, await server.AsSuperuser(old).ScalarAsync<long>("SELECT count(*) FROM web_conversations"));
    }

    private static Task RunAsync(PostgresServer server, string name) =>
        new SchemaStep(server.OwnerConnectionString(name), server.ServingConnectionString(name), NullLogger.Instance).RunAsync(
            seedDevelopment: false,
            TestContext.Current.CancellationToken
        );

    private static string Line(KeyValuePair<string, string> file) => $"        [\"{file.Key}\"] = \"{file.Value}\",";

    private static string HashOf(string file) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(File.ReadAllText(file).ReplaceLineEndings("\n"))))[..16];
}
