using Npgsql;

namespace Konstruct.Gateway.Storage;

/// <summary>Checks a Postgres connection string. Errors never quote it, because any part may be the password.</summary>
internal static class PostgresConnectionString
{
    private const string Form =
        "Host=…;Username=…;Password=…;Database=…, and a value that holds ; or quotes in quotes of the other kind, as in Password=\"a;b\"";

    /// <summary>The fault, as the end of a sentence; null: none that is visible without a connection.</summary>
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
            // The exception's message may contain part of the password.
            return $"cannot be read: a word is not one of Npgsql's, or a value breaks it. Write {Form}.";
        }
    }
}
