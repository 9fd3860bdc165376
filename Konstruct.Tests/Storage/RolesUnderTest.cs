using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Storage.Schema;
using Konstruct.Tests.Harness;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Xunit;

namespace Konstruct.Tests.Storage;

/// <summary>Database roles, and what the guard says of them.</summary>
internal static class RolesUnderTest
{
    public static async Task RefusedAsync(string connectionString, string sentence)
    {
        var result = await InspectAsync(connectionString);
        Assert.Equal(GuardVerdict.Refuse, result.Verdict);
        Assert.Contains(sentence, result.Reason, StringComparison.Ordinal);
    }

    public static async Task<GuardResult> InspectAsync(string connectionString)
    {
        await using var source = NpgsqlDataSource.Create($"{connectionString};Pooling=false");
        await using var db = new ChatDbContext(new DbContextOptionsBuilder<ChatDbContext>().UseNpgsql(source).Options);
        return await ServingRoleGuard.InspectAsync(db, TestContext.Current.CancellationToken);
    }

    /// <summary>A role that has what the serving role has, and more. Roles belong to the server, which the test run ends with.</summary>
    public static async Task<string> NewRoleAsync(Database database, string rights)
    {
        var role = $"r{Guid.NewGuid():N}";
        await database.Sql.ExecuteAsync($"CREATE ROLE {role} LOGIN PASSWORD 'secret' {rights}; GRANT {PostgresServer.ServingRole} TO {role}");
        return new NpgsqlConnectionStringBuilder(database.ServingConnectionString) { Username = role, Password = "secret" }.ConnectionString;
    }
}
