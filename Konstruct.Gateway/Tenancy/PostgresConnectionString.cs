using Npgsql;

namespace Konstruct.Gateway.Tenancy;

/// <summary>Finds what cannot be a connection string to Postgres. Nothing of it is repeated: any part may be the password.</summary>
internal static class PostgresConnectionString
{
    private const string Form = "Host=…;Username=…;Password=…;Database=…, and a value that holds ; or quotes in quotes of the other kind, as in Password=\"a;b\"";

    /// <summary>What is wrong with it, as the end of a sentence; null: nothing that can be seen without connecting.</summary>
    public static string? FindFault(string value)
    {
        if (value.Contains("://", StringComparison.Ordinal) && Uri.CheckSchemeName(value.Split("://")[0].Trim()))
        {
            return $"is a URL, which Npgsql does not read. Write {Form}.";
        }

        try
        {
            return string.IsNullOrEmpty(new NpgsqlConnectionStringBuilder(value).Host) ? $"names no host. Write {Form}." : null;
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException or OverflowException)
        {
            // What the exception says may hold a piece of the password.
            return $"cannot be read: a word is not one of Npgsql's, or a value breaks it. Write {Form}.";
        }
    }
}
