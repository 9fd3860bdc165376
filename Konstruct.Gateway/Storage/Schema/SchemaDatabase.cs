using Npgsql;

namespace Konstruct.Gateway.Storage.Schema;

/// <summary>Ensures that the database exists and is in UTF-8. Another encoding could not store an emoji.</summary>
internal static partial class SchemaDatabase
{
    public const string Encoding = "UTF8";

    /// <summary>Creates the database if it is missing.</summary>
    /// <exception cref="InvalidOperationException">It exists in another encoding. The message says what to do.</exception>
    public static async Task EnsureAsync(NpgsqlConnection maintenance, string name, ILogger logger, CancellationToken cancellationToken)
    {
        switch (await EncodingOfAsync(maintenance, name, cancellationToken))
        {
            case Encoding:
                return;
            case { } other:
                throw new InvalidOperationException(WrongEncoding(name, other));
        }

        Log.Creating(logger, name);

        // A copy of template1 keeps its encoding. Only template0 can be copied into another one, and only the locale C fits every encoding.
        var isUtf8 = await EncodingOfAsync(maintenance, "template1", cancellationToken) == Encoding;
        var options = isUtf8 ? "" : $" ENCODING '{Encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0";
        await using var create = new NpgsqlCommand(
            $"CREATE DATABASE \"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"{options}",
            maintenance
        );
        await create.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>The error message for a database in another encoding.</summary>
    public static string WrongEncoding(string name, string encoding) =>
        $"The database '{name}' has the encoding {encoding}; it must be {Encoding}, or texts could not be stored. "
        + "Name another database, which the schema step makes, and move what is in this one with pg_dump.";

    private static async Task<string?> EncodingOfAsync(NpgsqlConnection maintenance, string name, CancellationToken cancellationToken)
    {
        await using var ask = new NpgsqlCommand("SELECT pg_encoding_to_char(encoding)::text FROM pg_database WHERE datname = $1", maintenance);
        ask.Parameters.Add(new() { Value = name });
        return (string?)await ask.ExecuteScalarAsync(cancellationToken);
    }

    private static partial class Log
    {
        [LoggerMessage(100, LogLevel.Information, "Creating the database {Database}")]
        public static partial void Creating(ILogger logger, string database);
    }
}
