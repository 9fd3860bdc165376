using System.Reflection;

namespace Konstruct.Gateway.Tenancy.Sql;

/// <summary>The SQL files: what the schema step runs each time, and what migrations ran once.</summary>
internal static class Embedded
{
    public static readonly string Roles = Read("roles.sql");
    public static readonly string Grants = Read("grants.sql");

    /// <summary>A file of <c>Migrations/Sql</c>. It is of its migration's time and never changes: what is to be different is a new file, run by a new migration.</summary>
    public static string OfMigration(string name) => Read($"migrations/{name}");

    private static string Read(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"{name} is not embedded.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
