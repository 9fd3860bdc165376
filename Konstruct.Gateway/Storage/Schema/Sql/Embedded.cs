using System.Reflection;

namespace Konstruct.Gateway.Storage.Schema.Sql;

/// <summary>Embedded SQL files: those that the schema step runs every time, and those that migrations run once.</summary>
internal static class Embedded
{
    public static readonly string Roles = Read("roles.sql");
    public static readonly string Grants = Read("grants.sql");

    /// <summary>A file of <c>Migrations/Sql</c>. It never changes; a change is a new file, run by a new migration.</summary>
    public static string OfMigration(string name) => Read($"migrations/{name}");

    private static string Read(string name)
    {
        using var stream =
            Assembly.GetExecutingAssembly().GetManifestResourceStream(name) ?? throw new InvalidOperationException($"{name} is not embedded.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
