using System.Reflection;

namespace Konstruct.Gateway.Tenancy.Sql;

/// <summary>The SQL files of this folder.</summary>
internal static class Embedded
{
    public static readonly string RowLevelSecurity = Read("row-level-security.sql");
    public static readonly string Turns = Read("turns.sql");
    public static readonly string Roles = Read("roles.sql");
    public static readonly string Grants = Read("grants.sql");

    private static string Read(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"{name} is not embedded.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
