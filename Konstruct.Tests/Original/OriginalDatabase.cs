using Konstruct.Gateway.Storage.Schema;
using Konstruct.Tests.Harness;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Xunit;

namespace Konstruct.Tests.Original;

/// <summary>A database as the original gateway made it, and the role that the original runs as.</summary>
internal sealed class OriginalDatabase
{
    public const string UuidAgents = "uuid";
    public const string TextAgents = "varchar(64)";

    private const string Role = "konstruct_app";

    private static readonly string Secret = PostgresServer.Password.Replace("'", "''", StringComparison.Ordinal);

    private OriginalDatabase(Database database) => Database = database;

    public Database Database { get; }

    public Sql Sql => Database.Sql;

    public string OriginalConnectionString =>
        new NpgsqlConnectionStringBuilder(Database.ServingConnectionString) { Username = Role, Pooling = false }.ConnectionString;

    public static async Task<OriginalDatabase> CreateAsync(DatabaseFactory databases, string agents = UuidAgents, string change = "")
    {
        var server = (await databases.CreateAsync()).Server;
        var name = $"o{Guid.NewGuid():N}";
        await server.AsSuperuser("postgres").ExecuteAsync($"CREATE DATABASE {name} OWNER {PostgresServer.Owner}");
        var original = new OriginalDatabase(new(server, name));
        // Databases of several tests are made at once, and the role belongs to the server.
        await original.Sql.ExecuteAsync(
            $"""
            SELECT pg_advisory_lock(1);
            {Tables(agents)}
            ALTER TABLE web_conversations OWNER TO {PostgresServer.Owner};
            ALTER TABLE web_conversation_messages OWNER TO {PostgresServer.Owner};
            {change}
            """
        );
        return original;
    }

    /// <summary>Runs the schema step of this gateway.</summary>
    public Task AdoptAsync(ILogger? logger = null) =>
        new SchemaStep(
            Database.Server.OwnerConnectionString(Database.Name),
            Database.Server.ServingConnectionString(Database.Name),
            logger ?? NullLogger.Instance
        ).RunAsync(seedDevelopment: false, TestContext.Current.CancellationToken);

    /// <summary>A conversation that the portal made.</summary>
    public async Task<Guid> NewConversationAsync(Person person)
    {
        var id = Guid.NewGuid();
        await Sql.ExecuteAsync(
            $"INSERT INTO web_conversations (id, tenant_id, agent_id, user_id) VALUES ('{id}', '{person.Tenant}', '{Person.Agent}', '{person.User}')"
        );
        return id;
    }

    /// <summary>The original keeps connections open, and with them prepared statements.</summary>
    public async Task<OriginalStatements> ConnectAsync(Guid tenant)
    {
        var connection = new NpgsqlConnection(OriginalConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        return new(connection, tenant);
    }

    /// <summary>The statements of the original show the columns. Types, defaults and policies are as SQLAlchemy and Alembic make them.</summary>
    private static string Tables(string agents) =>
        $$$"""
            CREATE TABLE web_conversations (
                id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
                tenant_id uuid NOT NULL,
                agent_id {{{agents}}} NOT NULL,
                user_id uuid NOT NULL,
                created_at timestamptz NOT NULL DEFAULT now(),
                updated_at timestamptz NOT NULL DEFAULT now());
            CREATE TABLE web_conversation_messages (
                id uuid PRIMARY KEY,
                conversation_id uuid NOT NULL REFERENCES web_conversations (id),
                tenant_id uuid NOT NULL,
                role varchar(16) NOT NULL,
                content text NOT NULL,
                created_at timestamptz NOT NULL DEFAULT now());
            CREATE INDEX ix_web_conversation_messages_conversation_id ON web_conversation_messages (conversation_id);
            ALTER TABLE web_conversations ENABLE ROW LEVEL SECURITY;
            ALTER TABLE web_conversation_messages ENABLE ROW LEVEL SECURITY;
            CREATE POLICY tenant_isolation ON web_conversations USING (tenant_id = current_setting('app.current_tenant', true)::uuid);
            CREATE POLICY tenant_isolation ON web_conversation_messages USING (tenant_id = current_setting('app.current_tenant')::uuid);
            DO $$ BEGIN
                IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{{{Role}}}') THEN CREATE ROLE {{{Role}}} LOGIN PASSWORD '{{{Secret}}}'; END IF;
            END $$;
            GRANT SELECT, INSERT, UPDATE, DELETE ON web_conversations, web_conversation_messages TO {{{Role}}};
            """;
}
